package io.kvorum.verification.conformance.crash;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.KeyValue;
import io.etcd.jetcd.api.RangeRequest;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.ServerProcess;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * Several clients write while the server is killed at random and started again on its data. After
 * each start: every acknowledged write is there under its revision with its value, what was once
 * read is still there, the history before the crash is unchanged to the byte, no revision is
 * missing or used twice, and nothing is there that nobody wrote.
 */
public final class CrashCampaign {
  private static final int CLIENTS = 8;
  private static final int LONGEST_LOAD_MILLIS = 1200;
  private static final int LONGEST_START_MILLIS = 1500;
  private static final Duration FIRST_WRITE_LIMIT = Duration.ofSeconds(30);
  private static final int OLD_REVISIONS_READ = 50;

  private final ServerProcess server;
  private final SplittableRandom random;
  private final Ledger ledger = new Ledger();
  private final Consumer<String> report;

  /**
   * @param server running, with no data but what this campaign writes
   * @param report told one line per cycle
   */
  public CrashCampaign(ServerProcess server, long seed, Consumer<String> report) {
    this.server = server;
    this.random = new SplittableRandom(seed);
    this.report = report;
  }

  /**
   * @throws AssertionError at the first promise that was not kept
   */
  public void run(int cycles) {
    for (int cycle = 1; cycle <= cycles; cycle++) {
      loadAndKill(cycle);
      if (random.nextInt(4) == 0) killWhileStarting();
      server.startAgain();
      check(cycle);
    }
  }

  private void loadAndKill(int cycle) {
    long before = ledger.acknowledgements();
    try (var writers = new Writers(server.address(), CLIENTS, random, "cycle-" + cycle, ledger)) {
      Await.until("a first write", FIRST_WRITE_LIMIT, () -> ledger.acknowledgements() > before);
      long killAt =
          System.nanoTime() + Duration.ofMillis(random.nextInt(LONGEST_LOAD_MILLIS)).toNanos();
      while (System.nanoTime() < killAt) Thread.onSpinWait();
      server.kill();
      writers.join();
    }
  }

  private void killWhileStarting() {
    server.launch();
    var afterwards = Duration.ofMillis(random.nextInt(LONGEST_START_MILLIS));
    if (Await.holdsWithin(afterwards, () -> !server.isAlive()))
      throw new AssertionError("ended by itself:\n" + server.outputEnd());
    server.kill();
  }

  private void check(int cycle) {
    try (var connection = Connection.to(server.address())) {
      var history = History.read(connection);
      ledger.check(history);
      readOldRevisions(connection);
      checkNewestState(connection, history);
      report.accept(
          "cycle %d: %d acknowledged writes kept, revision %d"
              .formatted(cycle, ledger.acknowledgements(), history.current()));
    }
  }

  /** The same through the other way to the past: ranges at old revisions. */
  private void readOldRevisions(Connection connection) {
    var revisions = ledger.writes().keySet().stream().sorted().toList();
    for (int i = 0; i < Math.min(OLD_REVISIONS_READ, revisions.size()); i++) {
      long revision = revisions.get(random.nextInt(revisions.size()));
      for (var entry : ledger.writes().getOrDefault(revision, List.of())) {
        var request = RangeRequest.newBuilder().setKey(entry.key()).setRevision(revision).build();
        var kvs = connection.kv(Duration.ofSeconds(20)).range(request).getKvsList();
        if (kvs.size() != 1 || !kvs.getFirst().getValue().equals(entry.value()))
          throw new AssertionError(
              "%s at revision %d is read as %s".formatted(entry, revision, kvs));
      }
    }
  }

  /** Each key's newest record is the last one its history tells. */
  private static void checkNewestState(Connection connection, History history) {
    var last = new HashMap<ByteString, KeyValue>();
    history
        .revisions()
        .values()
        .forEach(records -> records.forEach(kv -> last.put(kv.getKey(), kv)));
    var zero = ByteString.copyFrom(new byte[] {0});
    var all = RangeRequest.newBuilder().setKey(zero).setRangeEnd(zero).build();
    var present = connection.kv(Duration.ofSeconds(20)).range(all).getKvsList();
    if (present.size() != last.size())
      throw new AssertionError(
          last.size() + " keys were written, " + present.size() + " are there");
    for (var kv : present)
      if (!kv.equals(last.get(kv.getKey())))
        throw new AssertionError("last written " + last.get(kv.getKey()) + ", there is " + kv);
  }
}
