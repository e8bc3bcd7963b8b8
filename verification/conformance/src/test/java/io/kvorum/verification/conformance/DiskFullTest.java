package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.RangeRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.ServerProcess;
import io.kvorum.verification.conformance.harness.ServerProcess.Settings;
import io.kvorum.verification.conformance.harness.SmallDisk;
import java.time.Duration;
import java.util.ArrayList;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The disk fills up under a running server. */
class DiskFullTest {
  private static final int DISK_MIB = 640;
  private static final int VALUE_BYTES = 100_000;
  private static final int ENOUGH_WRITES = 3 * DISK_MIB * 1024 * 1024 / VALUE_BYTES;
  private static final Duration CALL_LIMIT = Duration.ofSeconds(20);

  @Test
  void writesFailReadsGoOnAndNothingAcknowledgedIsLost() {
    assumeTrue(
        !Binaries.kvorum().endsWith("etcd"),
        "etcd ends its process when its log cannot be written");
    var mounted = SmallDisk.mount(DISK_MIB);
    assumeTrue(mounted.isPresent(), "may not mount a disk of its own");
    try (var disk = mounted.orElseThrow();
        var server =
            ServerProcess.start(Binaries.kvorum(), Settings.plain().dataUnder(disk.root()))) {
      var acknowledged = new TreeMap<Integer, Long>();
      var refusals = new ArrayList<Status>();
      try (var connection = Connection.to(server.address())) {
        for (int i = 0; i < 20; i++) acknowledged.put(i, put(connection, i));
        disk.fill();
        var refused = writeUntilRefused(connection, acknowledged);
        assertNotNull(refused, "a full disk took everything");
        refusals.add(refused);
        refusals.add(
            assertThrows(StatusRuntimeException.class, () -> put(connection, ENOUGH_WRITES))
                .getStatus());
        checkReads(connection, acknowledged, true);
        checkReads(connection, acknowledged, false);
      }
      disk.free();
      server.kill();
      server.startAgain();
      try (var connection = Connection.to(server.address())) {
        checkReads(connection, acknowledged, false);
        assertTrue(put(connection, 0) > acknowledged.lastEntry().getValue());
      }
      // last, so that a run tells first whether data is safe
      assertTrue(
          refusals.stream().allMatch(DiskFullTest::saysDiskIsFull),
          () -> "not a clear error for a full disk: " + refusals);
    }
  }

  private static @Nullable Status writeUntilRefused(
      Connection connection, TreeMap<Integer, Long> acknowledged) {
    for (int i = acknowledged.size(); i < ENOUGH_WRITES; i++) {
      try {
        acknowledged.put(i, put(connection, i));
      } catch (StatusRuntimeException refused) {
        return refused.getStatus();
      }
    }
    return null;
  }

  private static boolean saysDiskIsFull(Status status) {
    return String.valueOf(status.getDescription()).matches("(?is).*(space|disk).*");
  }

  private static void checkReads(
      Connection connection, TreeMap<Integer, Long> acknowledged, boolean serializable) {
    acknowledged.forEach(
        (number, revision) -> {
          var range = RangeRequest.newBuilder().setKey(key(number)).setSerializable(serializable);
          var reply = connection.kv(CALL_LIMIT).range(range.build());
          assertEquals(1, reply.getCount(), () -> "key " + number);
          assertEquals(revision, reply.getKvs(0).getModRevision());
          assertEquals(VALUE_BYTES, reply.getKvs(0).getValue().size());
        });
  }

  private static long put(Connection connection, int number) {
    var value = new byte[VALUE_BYTES];
    new SplittableRandom(number).nextBytes(value);
    var put = PutRequest.newBuilder().setKey(key(number)).setValue(ByteString.copyFrom(value));
    return connection.kv(CALL_LIMIT).put(put.build()).getHeader().getRevision();
  }

  private static ByteString key(int number) {
    return ByteString.copyFromUtf8("key/" + number);
  }
}
