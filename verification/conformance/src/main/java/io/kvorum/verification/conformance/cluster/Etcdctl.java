package io.kvorum.verification.conformance.cluster;

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
  private static final Pattern INITIAL_CLUSTER =
      Pattern.compile("(?m)^ETCD_INITIAL_CLUSTER=\"(.*)\"$");

  private Etcdctl() {}

  public static Command.Result run(Member asked, String... arguments) {
    var command =
        new ArrayList<>(List.of(Binaries.etcdctl().toString(), "--endpoints", asked.address()));
    command.addAll(List.of(arguments));
    return Command.run(LIMIT, Map.of("ETCDCTL_API", "3"), "", command);
  }

  /** What a new member is to be started with, read from the tool's answer to an addition. */
  public static String initialCluster(Command.Result added) {
    var told = INITIAL_CLUSTER.matcher(added.out());
    if (!told.find()) throw new AssertionError("not told how to start: " + added);
    return told.group(1);
  }
}
