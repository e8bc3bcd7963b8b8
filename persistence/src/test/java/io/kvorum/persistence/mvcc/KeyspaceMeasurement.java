package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the finished keyspace costs: puts in batches, ranges, history, compaction. Runs only when
 * asked for: {@code -Dtest=KeyspaceMeasurement -Dkvorum.measure=true}. Figures go to {@code
 * target/keyspace.txt}.
 */
@Tag("measurement")
@EnabledIfSystemProperty(named = "kvorum.measure", matches = "true")
class KeyspaceMeasurement {

  private static final int KEYS = 100_000;
  private static final int BATCH = 200;

  private final StringBuilder report = new StringBuilder();
  private final Random random = new Random(1);

  @Test
  void costs(@TempDir Path directory) throws Exception {
    KeyspaceOptions options =
        TestKeyspace.OPTIONS
            .withStorage(KeyspaceOptions.defaults().storage())
            .withCompaction(1000, KeyspaceOptions.defaults().compactionPause());
    try (TestKeyspace store = new TestKeyspace(directory, options)) {
      puts(store, "insert, cold", true);
      puts(store, "overwrite", false);
      puts(store, "overwrite", false);
      for (int round = 0; round < 2; round++) {
        ranges(store, "range of 1 key", 50_000, 0);
        ranges(store, "range of 1000 keys", 300, 1000);
        ranges(store, "count of 100000 keys by prefix", 5, KEYS);
      }
      long start = threadNanos();
      long events = 0;
      for (long from = 1; from <= store.keyspace.currentRevision(); ) {
        try (ReadView view = store.keyspace.view()) {
          History part = Requests.ok(view.history(from, 1000, Long.MAX_VALUE));
          events += part.revisions().size();
          from = part.nextRevision();
        }
      }
      line("history, per event, us", (threadNanos() - start) / 1e3 / events);
      long wall = System.nanoTime();
      store.compact(store.keyspace.currentRevision());
      store.awaitCompaction();
      line("compaction of 200000 old records, s", (System.nanoTime() - wall) / 1e9);
      ranges(store, "range of 1000 keys, compacted", 300, 1000);
    }
    Files.writeString(Path.of("target", "keyspace.txt"), report);
  }

  private void puts(TestKeyspace store, String what, boolean insert) {
    long thread = threadNanos();
    long process = processNanos();
    byte[] value = new byte[256];
    for (int from = 0; from < KEYS; from += BATCH) {
      long index = store.keyspace.applied().index();
      try (ApplyBatch batch = store.keyspace.beginBatch()) {
        for (int i = from; i < from + BATCH; i++) {
          random.nextBytes(value);
          int number = insert ? (int) (i * 7919L % KEYS) : random.nextInt(KEYS);
          PutRequest put =
              PutRequest.newBuilder()
                  .setKey(key(number))
                  .setValue(ByteString.copyFrom(value))
                  .build();
          Requests.ok(batch.put(new LogPosition(++index, 1), put));
        }
        batch.commit();
      }
    }
    line(what + ": CPU of the writing thread per put, us", (threadNanos() - thread) / 1e3 / KEYS);
    line(what + ": CPU of the process per put, us", (processNanos() - process) / 1e3 / KEYS);
  }

  private void ranges(TestKeyspace store, String what, int rounds, int keys) {
    long start = threadNanos();
    for (int i = 0; i < rounds; i++) {
      RangeRequest.Builder request =
          RangeRequest.newBuilder()
              .setKey(key(random.nextInt(KEYS - keys + (keys == KEYS ? 1 : 0))));
      if (keys > 0) {
        request
            .setRangeEnd(keys == KEYS ? Requests.bytes("/kez") : Requests.bytes("/z"))
            .setLimit(keys);
        request.setCountOnly(keys == KEYS);
        if (keys < KEYS) {
          int from = random.nextInt(KEYS - keys - 1);
          request.setKey(key(from)).setRangeEnd(key(from + keys));
        }
      }
      try (ReadView view = store.keyspace.view()) {
        Requests.ok(view.range(request.build())).build().toByteString();
      }
    }
    line(what + ", encoded, us", (threadNanos() - start) / 1e3 / rounds);
  }

  private static ByteString key(int number) {
    return ByteString.copyFromUtf8(String.format(Locale.ROOT, "/key/%011d", number));
  }

  private void line(String what, double figure) {
    report.append(String.format(Locale.ROOT, "%-60s %10.1f%n", what, figure));
  }

  private static long threadNanos() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  private static long processNanos() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }
}
