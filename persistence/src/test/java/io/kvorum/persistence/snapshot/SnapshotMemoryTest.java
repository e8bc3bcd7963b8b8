package io.kvorum.persistence.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.kvorum.persistence.mvcc.ApplyBatch;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.testing.ChildProcess;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A keyspace many times larger than the heap goes through reader and writer, chunk by chunk, and is
 * installed: nothing on the way grows with it. {@code mvn -pl persistence -am test
 * -Dtest=SnapshotMemoryTest -Dexcluded.test.tags= -Dsurefire.failIfNoSpecifiedTests=false}
 */
class SnapshotMemoryTest {

  private static final int MEBIBYTES = Integer.getInteger("kvorum.mebibytes", 400);
  private static final int HEAP_MEBIBYTES = 48;
  private static final int VALUE_BYTES = 16 << 10;

  @TempDir Path directory;

  @Test
  @Tag("long")
  void aSmallHeapIsEnoughForALargeKeyspace() throws Exception {
    try (ChildProcess child =
        ChildProcess.startWithHeap(
            HEAP_MEBIBYTES, Child.class, directory.toString(), Integer.toString(MEBIBYTES))) {
      String filled = child.line();
      String transferred = child.line();
      System.out.println(filled + "; " + transferred);
      assertTrue(transferred != null && transferred.startsWith("installed"), transferred);
      assertEquals("end", child.line());
    }
  }

  /** The other process. */
  static final class Child {
    public static void main(String[] args) {
      Path directory = Path.of(args[0]);
      int mebibytes = Integer.parseInt(args[1]);
      try (Keyspace source = SnapshotFixture.open(directory.resolve("source"));
          Keyspace target = SnapshotFixture.open(directory.resolve("target"))) {
        fill(source, mebibytes);
        ChildProcess.say("filled " + mebibytes + " MiB");
        long begunNanos = System.nanoTime();
        long peak = transfer(source, target);
        ChildProcess.say(
            "installed revision %d in %d ms, heap in use %d MiB at most after collection"
                .formatted(
                    target.currentRevision(),
                    (System.nanoTime() - begunNanos) / 1_000_000,
                    peak >> 20));
      }
      ChildProcess.say("end");
    }

    private static void fill(Keyspace keyspace, int mebibytes) {
      Random random = new Random(1);
      byte[] value = new byte[VALUE_BYTES];
      long index = 0;
      for (long written = 0; written < (long) mebibytes << 20; ) {
        try (ApplyBatch batch = keyspace.beginBatch()) {
          for (int i = 0; i < 64; i++) {
            random.nextBytes(value);
            batch.put(
                new LogPosition(++index, 1),
                PutRequest.newBuilder()
                    .setKey(ByteString.copyFromUtf8("key" + index))
                    .setValue(ByteString.copyFrom(value))
                    .build());
            written += VALUE_BYTES;
          }
          batch.commit();
        }
      }
    }

    private static long transfer(Keyspace source, Keyspace target) {
      long peak = 0;
      try (SnapshotReader reader =
              new SnapshotReader(source.export(), SnapshotFixture.CLUSTER, 256 << 10);
          SnapshotWriter writer =
              new SnapshotWriter(
                  target.stage(reader.estimatedBytes()),
                  SnapshotFixture.GROUP,
                  SnapshotFixture.CLUSTER,
                  reader.header().at())) {
        for (SnapshotChunk chunk = reader.next(); chunk != null; chunk = reader.next()) {
          writer.write(chunk);
          if (chunk.number() % 200 == 0) {
            System.gc();
            Runtime runtime = Runtime.getRuntime();
            peak = Math.max(peak, runtime.totalMemory() - runtime.freeMemory());
          }
        }
        target.install(writer.finish(reader.trailer()));
      }
      return peak;
    }
  }
}
