package io.kvorum.verification.conformance.cluster;

import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Command;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Changes of a cluster's membership with the tool an operator uses for it. */
public final class Etcdctl {
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final Duration HEALTH_LIMIT = Duration.ofSeconds(60);
  private static final Pattern INITIAL_CLUSTER =
      Pattern.compile("(?m)^ETCD_INITIAL_CLUSTER=\"(.*)\"$");

  private Etcdctl() {}

  public static Command.Result run(Member asked, String... arguments) {
    var command =
        new ArrayList<>(List.of(Binaries.etcdctl().toString(), "--endpoints", asked.address()));
    command.addAll(List.of(arguments));
    return Command.run(LIMIT, Map.of(), "", command);
  }

  /**
   * Tries a change of the membership until it is made: the strict checks want connections of some
   * seconds. Any other refusal fails.
   */
  public static Command.Result whenHealthy(Member asked, String... change) {
    var answers = new ArrayList<Command.Result>();
    Await.until(
        String.join(" ", change),
        HEALTH_LIMIT,
        () -> {
          var answer = run(asked, change);
          answers.add(answer);
          if (answer.exitCode() != 0
              && !answer.err().contains("unhealthy cluster")
              && !answer.err().contains("not enough started members"))
            throw new AssertionError(answer.toString());
          return answer.exitCode() == 0;
        });
    return answers.getLast();
  }

  /** A member's id, in hexadecimal, as another member lists it under this name. */
  public static String memberId(Member asked, String name) {
    return asked.memberList().stream()
        .filter(line -> line.contains(" " + name + " "))
        .map(line -> line.substring(0, line.indexOf(' ')))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no member " + name));
  }

  /** What a new member is to be started with, read from the tool's answer to an addition. */
  public static String initialCluster(Command.Result added) {
    var told = INITIAL_CLUSTER.matcher(added.out());
    if (!told.find()) throw new AssertionError("not told how to start: " + added);
    return told.group(1);
  }
}
