package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.CompactionRequest;
import io.etcd.jetcd.api.MaintenanceGrpc;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.RangeRequest;
import io.etcd.jetcd.api.SnapshotRequest;
import io.etcd.jetcd.api.SnapshotResponse;
import io.etcd.jetcd.api.StatusRequest;
import io.grpc.Context;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Command;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.ServerProcess;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an operator does with one member, with the real etcdctl. */
class MaintenanceTest {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final int DIGEST_BYTES = 32;
  private static final int VALUE_BYTES = 100_000;

  @TempDir Path directory;

  @SuppressWarnings("NullAway.Init")
  private ServerProcess server;

  @SuppressWarnings("NullAway.Init")
  private Connection connection;

  @BeforeEach
  void start() {
    server = ServerProcess.start(Binaries.kvorum());
    connection = Connection.to(server.address());
  }

  @AfterEach
  void stop() {
    connection.close();
    server.close();
  }

  private Command.Result etcdctl(String... words) {
    var command =
        new java.util.ArrayList<>(
            List.of(Binaries.etcdctl().toString(), "--endpoints=" + server.address()));
    command.addAll(List.of(words));
    return Command.run(LIMIT, Map.of(), "", command);
  }

  private void put(String key, int bytes, Random random) {
    var value = new byte[bytes];
    random.nextBytes(value);
    var unused =
        connection
            .kv()
            .put(
                PutRequest.newBuilder()
                    .setKey(ByteString.copyFromUtf8(key))
                    .setValue(ByteString.copyFrom(value))
                    .build());
  }

  @Test
  void snapshotIsSaved() throws Exception {
    var random = new Random(1);
    for (int i = 0; i < 50; i++) put("k" + i, VALUE_BYTES, random);
    var file = directory.resolve("snapshot.db");
    var saved = etcdctl("snapshot", "save", file.toString());
    assertEquals(0, saved.exitCode(), saved::toString);
    var bytes = Files.readAllBytes(file);
    int content = bytes.length - DIGEST_BYTES;
    assertEquals(0, content % 512);
    assertTrue(content > 50 * VALUE_BYTES, content + " bytes");
    var digest = MessageDigest.getInstance("SHA-256");
    digest.update(bytes, 0, content);
    assertArrayEquals(digest.digest(), Arrays.copyOfRange(bytes, content, bytes.length));
  }

  /** Who does not read holds up nobody, and costs no memory. */
  @Test
  void slowClientHoldsUpNobody() {
    var random = new Random(1);
    for (int i = 0; i < 200; i++) put("k" + i, VALUE_BYTES, random);
    try (var slow = Connection.to(server.address());
        var call = Context.current().withCancellation()) {
      Iterator<SnapshotResponse> pieces =
          call.wrap(
                  () ->
                      MaintenanceGrpc.newBlockingStub(slow.channel())
                          .snapshot(SnapshotRequest.getDefaultInstance()))
              .call();
      var first = pieces.next();
      assertEquals("3.7.0", version(first));
      long remaining = first.getRemainingBytes() + first.getBlob().size();
      for (int i = 0; i < 50; i++) put("later" + i, VALUE_BYTES, random);
      assertEquals(
          50,
          connection
              .kv(LIMIT)
              .range(
                  RangeRequest.newBuilder()
                      .setKey(ByteString.copyFromUtf8("later"))
                      .setRangeEnd(ByteString.copyFromUtf8("lates"))
                      .setCountOnly(true)
                      .build())
              .getCount());
      remaining -= first.getBlob().size();
      var last = first;
      while (pieces.hasNext()) {
        last = pieces.next();
        if (pieces.hasNext()) {
          remaining -= last.getBlob().size();
          assertEquals(remaining, last.getRemainingBytes());
        }
      }
      assertEquals(DIGEST_BYTES, last.getBlob().size());
      assertEquals(0, remaining);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  /** Its field is younger than these stubs. */
  private static String version(SnapshotResponse piece) {
    return piece.getUnknownFields().getField(4).getLengthDelimitedList().getFirst().toStringUtf8();
  }

  @Test
  void defragmentationGivesBack() {
    var random = new Random(1);
    for (int i = 0; i < 100; i++) put("k", VALUE_BYTES, random);
    var compaction = CompactionRequest.newBuilder().setRevision(101).setPhysical(true).build();
    var unused = connection.kv().compact(compaction);
    assertTrue(size() > 90L * VALUE_BYTES, size() + " bytes");
    var done = etcdctl("defrag");
    assertEquals(0, done.exitCode(), done::toString);
    assertTrue(size() < 3L * VALUE_BYTES, size() + " bytes");
    assertEquals(0, etcdctl("endpoint", "hashkv").exitCode());
    assertEquals(101, connection.kv().range(get("k")).getHeader().getRevision());
  }

  private static RangeRequest get(String key) {
    return RangeRequest.newBuilder().setKey(ByteString.copyFromUtf8(key)).build();
  }

  private long size() {
    return MaintenanceGrpc.newBlockingStub(connection.channel())
        .status(StatusRequest.getDefaultInstance())
        .getDbSize();
  }

  /** The first look is at the start, the compaction a period later. */
  @Test
  void historyIsCompactedByItself() {
    var settings = ServerProcess.Settings.plain().flags("--auto-compaction-retention=1s");
    try (var member = ServerProcess.start(Binaries.kvorum(), settings);
        var to = Connection.to(member.address())) {
      var put = PutRequest.newBuilder().setKey(ByteString.copyFromUtf8("k")).build();
      for (int i = 0; i < 5; i++) {
        var unused = to.kv().put(put);
      }
      var old = get("k").toBuilder().setRevision(2).build();
      Await.until(
          "an automatic compaction of " + member,
          LIMIT,
          () -> {
            try {
              var unused = to.kv().range(old);
              return false;
            } catch (io.grpc.StatusRuntimeException compacted) {
              return String.valueOf(compacted.getStatus().getDescription()).contains("compacted");
            }
          });
    }
  }
}
