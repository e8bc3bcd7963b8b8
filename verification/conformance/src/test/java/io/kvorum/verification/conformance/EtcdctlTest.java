package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Command;
import io.kvorum.verification.conformance.harness.ServerProcess;
import io.kvorum.verification.conformance.harness.ServerProcess.Settings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * Debian's etcdctl against Debian's etcd and against Kvorum, the same commands in the same order:
 * output, error text and exit code are equal. Both servers have the same initial cluster and token,
 * so even the ids are.
 */
@TestMethodOrder(MethodOrderer.MethodName.class) // revisions are part of what is compared
class EtcdctlTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final String PEER_URL = "http://127.0.0.1:2380";

  @SuppressWarnings("NullAway.Init")
  private static ServerProcess etcd;

  @SuppressWarnings("NullAway.Init")
  private static ServerProcess kvorum;

  @BeforeAll
  static void start() {
    var settings = Settings.plain().advertisingPeer(PEER_URL);
    etcd = ServerProcess.start(Binaries.etcd(), settings);
    kvorum = ServerProcess.start(Binaries.kvorum(), settings);
  }

  @AfterAll
  static void stop() {
    etcd.close();
    kvorum.close();
  }

  @Test
  void putsAndGets() {
    same("put", "foo", "bar");
    same("put", "foo", "bar2", "--prev-kv");
    same("put", "foo", "bar3", "-w", "json");
    same("put", "foo", "bar4", "--prev-kv", "-w", "fields");
    same("put", "foo2", "v2");
    same("put", "foo3", "v3");
    same("put", "foo", "--ignore-value");
    sameWithInput("from stdin", "put", "foo4");
    same("get", "foo");
    same("get", "foo", "--prefix");
    same("get", "foo2", "--from-key");
    same("get", "foo", "foo3");
    same("get", "", "--prefix");
    same("get", "foo", "--prefix", "--limit", "2");
    same("get", "foo", "--prefix", "--limit", "2", "-w", "json");
    same("get", "foo", "--prefix", "--keys-only");
    same("get", "foo", "--prefix", "--print-value-only");
    same("get", "foo", "--prefix", "--count-only", "-w", "fields");
    same("get", "foo", "--prefix", "-w", "json");
    same("get", "foo", "-w", "fields");
    same("get", "foo", "--hex");
    same("get", "foo", "--rev", "3");
    same("get", "foo", "--consistency", "s");
    same("get", "nothing");
    for (var order : List.of("ASCEND", "DESCEND"))
      for (var target : List.of("CREATE", "KEY", "MODIFY", "VALUE", "VERSION"))
        same("get", "foo", "--prefix", "--order", order, "--sort-by", target);
  }

  @Test
  void refusesAsEtcdDoes() {
    same("get", "foo", "--rev", "99999");
    same("get", "");
    same("put", "", "value");
    same("put", "absent", "--ignore-value");
    same("put", "absent", "x", "--ignore-lease");
    same("put", "foo", "x", "--lease", "1234abcd");
    same("del", "");
    same("compaction", "99999");
    same("get", "foo", "-w", "table");
    sameWithInput("\n\nput d 1\nput d 2\n\n\n", "txn");
    same("nosuchcommand");
  }

  @Test
  void deletes() {
    for (int i = 0; i < 6; i++) same("put", "del/" + i, "v" + i);
    same("del", "del/0");
    same("del", "del/0");
    same("del", "del/1", "--prev-kv");
    same("del", "del/2", "del/4");
    same("del", "del/", "--prefix", "--prev-kv", "-w", "json");
    same("del", "del/", "--prefix");
  }

  @Test
  void transactions() {
    same("put", "txn", "one");
    sameWithInput(
        "value(\"txn\") = \"one\"\n\nput txn two\nget txn\ndel zz\n\nput txn no\n\n", "txn");
    sameWithInput(
        "value(\"txn\") = \"one\"\n\nput txn two\n\nget txn\nget txn --prefix\n\n", "txn");
    sameWithInput("mod(\"txn\") > \"0\"\n\nput txn b\nget txn\n\n\n", "txn", "-w", "json");
    sameWithInput("version(\"absent\") = \"0\"\n\nput absent now\n\n\n", "txn", "-w", "fields");
    sameWithInput("create(\"txn\") > \"1\"\nvalue(\"txn\") = \"b\"\n\nget txn\n\n\n", "txn");
    sameWithInput("\n\n\n", "txn");
    sameWithInput("garbage\n\n\n\n", "txn");
  }

  @Test
  void wasCompacted() {
    for (int i = 0; i < 10; i++) same("put", "compacted", "v" + i);
    long current = revision(kvorum);
    assertEquals(revision(etcd), current);
    same("compaction", Long.toString(current - 4));
    same("compaction", Long.toString(current - 4));
    same("get", "compacted", "--rev", Long.toString(current - 5));
    same("get", "compacted", "--rev", Long.toString(current - 4));
    same("compaction", "--physical", Long.toString(current - 2));
    same("get", "compacted", "--rev", Long.toString(current - 3));
    same("watch", "compacted", "--rev", Long.toString(current - 3));
  }

  @Test
  void watches() {
    long from = revision(kvorum) + 1;
    same("put", "watched/a", "1");
    same("put", "watched/a", "2");
    same("put", "watched/b", "3");
    same("del", "watched/a");
    same("put", "watched/end", "end");
    var rev = Long.toString(from);
    sameWatch("", "watched/end", "watch", "watched/", "--prefix", "--rev", rev);
    sameWatch("", "watched/end", "watch", "watched/", "--prefix", "--rev", rev, "--prev-kv");
    sameWatch("", "d2F0Y2hlZC9lbmQ=", "watch", "watched/", "--prefix", "--rev", rev, "-w", "json");
    sameWatch("", "watched/end", "watch", "watched/", "watched/z", "--rev", rev);
    sameWatch(
        "watch watched/ --prefix --rev " + rev + "\n", "watched/end", "watch", "--interactive");
  }

  /**
   * From the next revision on, so that it does not matter which writes the watch finds and which it
   * lives to see.
   */
  @Test
  void watchesWhatComes() {
    var rev = Long.toString(revision(kvorum) + 1);
    var words = List.of("watch", "live", "--prefix", "--prev-kv", "--rev", rev);
    try (var right = new Watching(etcd, "", words);
        var given = new Watching(kvorum, "", words)) {
      for (var value : List.of("one", "two", "three")) same("put", "live/k", value);
      same("del", "live/k");
      sameWithInput("\n\nput live/a 1\nput live/b 2\ndel live/k\n\n\n", "txn");
      same("put", "live/end", "end");
      assertEquals(right.awaiting("live/end\nend"), given.awaiting("live/end\nend"));
    }
  }

  @Test
  void progressIsAnswered() {
    for (var server : List.of(etcd, kvorum)) {
      var command = List.of("watch", "--interactive");
      try (var watching = new Watching(server, "watch nobody-writes-this\nprogress\n", command)) {
        // a request before the watch is level is dropped, so it is repeated
        Await.until(
            "a progress notice of " + server,
            LIMIT,
            () -> {
              if (watching.output().contains("progress notify: " + revision(server))) return true;
              watching.type("progress\n");
              return false;
            });
      }
    }
  }

  @Test
  void membersAndEndpoints() {
    same("member", "list");
    same("member", "list", "-w", "json");
    same("member", "list", "-w", "fields");
    same("endpoint", "health", "--cluster=false");
    var status = run(kvorum, "", List.of("endpoint", "status", "-w", "fields")).out();
    var expected = run(etcd, "", List.of("endpoint", "status", "-w", "fields")).out();
    for (var field : List.of("ClusterID", "MemberID", "Revision", "Leader", "IsLearner"))
      assertEquals(field(expected, field), field(status, field), field);
    assertEquals(" \"3.7.1\"", field(status, "Version"));
    assertTrue(Long.parseLong(field(status, "RaftIndex").strip()) > 0, status);
  }

  private static String field(String fields, String name) {
    return fields
        .lines()
        .filter(line -> line.startsWith("\"" + name + "\" :"))
        .map(line -> line.substring(line.indexOf(" :") + 2))
        .findFirst()
        .orElse("absent");
  }

  private static long revision(ServerProcess server) {
    var fields = run(server, "", List.of("get", "nothing", "-w", "fields")).out();
    return Long.parseLong(field(fields, "Revision").strip());
  }

  private static void same(String... command) {
    sameWithInput("", command);
  }

  private static void sameWithInput(String input, String... command) {
    var words = List.of(command);
    assertEquals(
        normalised(run(etcd, input, words)),
        normalised(run(kvorum, input, words)),
        () -> "etcdctl " + String.join(" ", words));
  }

  private static Command.Result run(ServerProcess server, String input, List<String> words) {
    return Command.run(LIMIT, Map.of(), input, commandLine(server, words));
  }

  private static List<String> commandLine(ServerProcess server, List<String> words) {
    var command = new ArrayList<String>();
    command.add(Binaries.etcdctl().toString());
    command.add("--endpoints=" + server.address());
    command.addAll(words);
    return command;
  }

  /**
   * Without what two runs of one server differ in: ports, times, terms, and the client's own log
   * lines.
   */
  private static String normalised(Command.Result result) {
    var text = "exit " + result.exitCode() + "\n" + result.out() + "\nerr\n" + result.err();
    var lines =
        Arrays.stream(text.split("\n", -1))
            .filter(line -> !line.startsWith("{\"level\"") || line.contains("\"header\""))
            .toList();
    return normalised(String.join("\n", lines));
  }

  private static String normalised(String text) {
    return text.replace(etcd.address(), "ADDRESS")
        .replace(kvorum.address(), "ADDRESS")
        .replaceAll("took = [0-9.]+[a-zµ]+", "took = TIME")
        .replaceAll("\"raft_term\":[0-9]+", "\"raft_term\":T")
        .replaceAll("\"RaftTerm\" : [0-9]+", "\"RaftTerm\" : T");
  }

  private static void sameWatch(String input, String end, String... command) {
    var outputs = new ArrayList<String>();
    for (var server : List.of(etcd, kvorum))
      try (var watching = new Watching(server, input, List.of(command))) {
        outputs.add(normalised(watching.awaiting(end)));
      }
    assertEquals(outputs.get(0), outputs.get(1), () -> String.join(" ", command));
  }

  /** An etcdctl that does not end by itself. */
  private static final class Watching implements AutoCloseable {
    final ServerProcess server;
    private final Process process;
    private final Path out;

    Watching(ServerProcess server, String input, List<String> words) {
      this.server = server;
      try {
        out = Files.createTempFile("etcdctl-", ".out");
        var builder = new ProcessBuilder(commandLine(server, words));
        process = builder.redirectErrorStream(true).redirectOutput(out.toFile()).start();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      if (!input.isEmpty()) type(input);
    }

    void type(String text) {
      try {
        process.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().flush();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    String output() {
      try {
        return Files.readString(out);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /** Everything up to the text, once it is there and followed by the end of its line. */
    String awaiting(String end) {
      Await.until(
          end + " from etcdctl on " + server,
          LIMIT,
          () -> output().lastIndexOf('\n') > output().lastIndexOf(end) && output().contains(end));
      return output();
    }

    @Override
    public void close() {
      process.destroyForcibly();
      try {
        process.waitFor();
        Files.delete(out);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
