package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the rolling hash costs the writer: the digest of a put, its place in the chain, and, to
 * compare with, a put as a whole. Runs only when asked for: {@code -Dtest=RevisionChainMeasurement
 * -Dkvorum.measure=true -Dexcluded.test.tags=}. Figures go to {@code target/chain.txt}.
 */
@Tag("measurement")
@EnabledIfSystemProperty(named = "kvorum.measure", matches = "true")
class RevisionChainMeasurement {

  private static final int KEYS = 100_000;
  private static final int BATCH = 200;
  private static final int ROUNDS = 7;

  private final StringBuilder report = new StringBuilder();
  private final Random random = new Random(1);

  @Test
  void costs(@TempDir Path directory) throws Exception {
    for (int bytes : new int[] {64, 300, 1000, 4000, 100_000}) {
      digests(bytes);
    }
    appends();
    puts(directory);
    Files.writeString(Path.of("target", "chain.txt"), report);
  }

  private void digests(int bytes) {
    byte[][] records = new byte[1000][bytes];
    for (byte[] record : records) {
      random.nextBytes(record);
    }
    RevisionDigest digest = new RevisionDigest();
    int count = Math.max(20_000, 200_000_000 / (bytes + 500));
    double[] nanos = new double[ROUNDS];
    long sum = 0;
    for (int round = 0; round < ROUNDS; round++) {
      long start = threadNanos();
      for (int i = 0; i < count; i++) {
        digest.put(records[i % records.length], i, 0);
        sum += digest.finish(i, i, -1);
      }
      nanos[round] = (double) (threadNanos() - start) / count;
    }
    line("digest of a put of " + bytes + " bytes, ns (" + (sum & 1) + ")", median(nanos));
  }

  private void appends() {
    RevisionChain chain = new RevisionChain(new RevisionChain.Head(0, 1, 1, 0));
    long[] hashes = new long[BATCH];
    double[] nanos = new double[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
      long start = threadNanos();
      for (int i = 0; i < 20_000; i++) {
        hashes[0]++;
        chain.append(i, hashes, BATCH);
      }
      nanos[round] = (double) (threadNanos() - start) / (20_000 * BATCH);
    }
    line("place in the chain, in batches of 200, per revision, ns", median(nanos));
  }

  private void puts(Path directory) {
    KeyspaceOptions options =
        TestKeyspace.OPTIONS.withStorage(KeyspaceOptions.defaults().storage());
    double[] micros = new double[ROUNDS];
    byte[] value = new byte[256];
    try (TestKeyspace store = new TestKeyspace(directory, options)) {
      for (int round = 0; round < ROUNDS; round++) {
        long start = threadNanos();
        for (int from = 0; from < KEYS; from += BATCH) {
          long index = store.keyspace.applied().index();
          try (ApplyBatch batch = store.keyspace.beginBatch()) {
            for (int i = 0; i < BATCH; i++) {
              random.nextBytes(value);
              PutRequest put =
                  PutRequest.newBuilder()
                      .setKey(key(random.nextInt(KEYS)))
                      .setValue(ByteString.copyFrom(value))
                      .build();
              Requests.ok(batch.put(new LogPosition(++index, 1), put));
            }
            batch.commit();
          }
        }
        micros[round] = (threadNanos() - start) / 1e3 / KEYS;
      }
    }
    line("put of 256 bytes in a batch of 200, writing thread, us", median(micros));
  }

  private static ByteString key(int number) {
    return ByteString.copyFromUtf8(String.format(Locale.ROOT, "/key/%011d", number));
  }

  private static double median(double[] figures) {
    Arrays.sort(figures);
    return figures[figures.length / 2];
  }

  private void line(String what, double figure) {
    report.append(String.format(Locale.ROOT, "%-60s %10.1f%n", what, figure));
  }

  private static long threadNanos() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }
}
