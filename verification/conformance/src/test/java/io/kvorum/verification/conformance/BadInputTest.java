package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import io.etcd.jetcd.api.DeleteRangeRequest;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.RangeRequest;
import io.etcd.jetcd.api.RequestOp;
import io.etcd.jetcd.api.TxnRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.kvorum.verification.conformance.fuzz.GarbageSource;
import io.kvorum.verification.conformance.fuzz.RawCalls;
import io.kvorum.verification.conformance.fuzz.RawSockets;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.ServerProcess;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Whatever comes in on the port: a correct error or a closed connection, no leak, no end, and other
 * clients do not notice.
 */
class BadInputTest {
  private static final long SEED = 1;
  private static final int SOCKET_INPUTS = 3000;
  private static final int CALL_INPUTS = 2000;
  private static final int AT_ONCE = 32;
  private static final int IDLE_CONNECTIONS = 10_000;

  /** What the client side needs beside the idle connections. */
  private static final int SPARE_DESCRIPTORS = 500;

  private static final long MAX_GROWTH_KIB = 400 * 1024;
  private static final int MAX_MORE_THREADS = 20;
  private static final int MAX_MORE_FILES = 20;
  private static final Duration CALM_LIMIT = Duration.ofSeconds(60);

  @SuppressWarnings("NullAway.Init")
  private ServerProcess server;

  @SuppressWarnings("NullAway.Init")
  private Connection bystander;

  @BeforeEach
  void start() {
    server = ServerProcess.start(Binaries.kvorum());
    bystander = Connection.to(server.address());
    // pools and caches that fill with use are full before anything is counted
    for (int i = 0; i < 200; i++) bystanderWorks(i);
  }

  @AfterEach
  void stop() {
    bystander.close();
    server.close();
  }

  @Test
  void garbageOnThePort() throws InterruptedException {
    var before = Footprint.of(server);
    var garbage = new GarbageSource(SEED);
    var places = new Semaphore(AT_ONCE);
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var thrown = new ArrayList<Future<?>>();
      for (int i = 0; i < SOCKET_INPUTS; i++) {
        int number = i;
        places.acquire();
        thrown.add(
            threads.submit(
                () -> {
                  try {
                    RawSockets.throwAt(address(), garbage.input(number).bytes());
                  } finally {
                    places.release();
                  }
                }));
        if (i % 100 == 99) checkpoint(number, garbage);
      }
      for (var one : thrown) Await.until("thrown", Duration.ofSeconds(30), one::isDone);
    }
    before.isReachedAgain(server);
  }

  private void checkpoint(int number, GarbageSource garbage) {
    try {
      bystanderWorks(number);
    } catch (StatusRuntimeException e) {
      var kinds = new ArrayList<String>();
      for (int i = number - 99; i <= number; i++) kinds.add(i + " " + garbage.input(i).kind());
      throw new AssertionError(
          "seed %d: another client was disturbed by one of %s%n%s"
              .formatted(SEED, kinds, server.outputEnd()),
          e);
    }
  }

  @Test
  void mutatedMessagesOnOneConnection() {
    var before = Footprint.of(server);
    var random = new SplittableRandom(SEED);
    try (var connection = Connection.to(server.address())) {
      for (int i = 0; i < CALL_INPUTS; i++) {
        var method = RawCalls.METHODS.get(random.nextInt(RawCalls.METHODS.size()));
        var message = GarbageSource.mutated(random, GarbageSource.message(random));
        var status = RawCalls.call(connection, method, message);
        int number = i;
        assertTrue(
            RawCalls.ALLOWED.contains(status.getCode()),
            () -> "seed %d, input %d to %s: %s".formatted(SEED, number, method, status));
        if (i % 100 == 0) bystanderWorks(i);
      }
    }
    before.isReachedAgain(server);
  }

  @Test
  void tenThousandIdleConnections() throws IOException {
    assumeTrue(
        descriptorLimit() > IDLE_CONNECTIONS + SPARE_DESCRIPTORS,
        "needs more file descriptors than this process may open");
    var before = Footprint.of(server);
    var preface =
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0".getBytes(StandardCharsets.ISO_8859_1);
    var idle = new ArrayList<SocketChannel>();
    try {
      idle.addAll(RawSockets.idle(address(), IDLE_CONNECTIONS / 2, new byte[0]));
      idle.addAll(RawSockets.idle(address(), IDLE_CONNECTIONS - idle.size(), preface));
      Await.until(
          "the server has them all",
          Duration.ofSeconds(30),
          () -> server.openFiles() > IDLE_CONNECTIONS);
      for (int i = 0; i < 100; i++) bystanderWorks(i);
      try (var newcomer = Connection.to(server.address())) {
        assertTrue(newcomer.answers(Duration.ofSeconds(10)));
      }
    } finally {
      RawSockets.closeAll(idle);
    }
    before.isReachedAgain(server);
  }

  @Test
  void requestsThatAreTooLarge() {
    var large = refusal(put(1_600_000));
    assertEquals(Status.Code.INVALID_ARGUMENT, large.getCode());
    assertEquals("etcdserver: request is too large", large.getDescription());
    var tooLarge = refusal(put(3_000_000));
    assertEquals(Status.Code.RESOURCE_EXHAUSTED, tooLarge.getCode());
    var text = String.valueOf(tooLarge.getDescription());
    assertTrue(
        text.matches("grpc: received message larger than max \\(\\d+ vs\\. 2097152\\)"), text);
    var fits = bystander.kv().put(put(1_500_000));
    assertEquals(1, bystander.kv().range(range("large")).getCount());
    assertTrue(fits.getHeader().getRevision() > 1);
    bystanderWorks(1);
  }

  @Test
  void unknownFieldsAreIgnoredAndUnknownNumbersRefused() {
    var unknown =
        UnknownFieldSet.newBuilder()
            .addField(999, UnknownFieldSet.Field.newBuilder().addVarint(1).build())
            .build();
    var put = put(3).toBuilder().setUnknownFields(unknown).build();
    assertTrue(bystander.kv().put(put).getHeader().getRevision() > 1);
    for (var odd :
        List.of(
            range("a").toBuilder().setSortOrderValue(77).build(),
            range("a").toBuilder().setSortTargetValue(-1).build())) {
      var refused =
          assertThrows(StatusRuntimeException.class, () -> bystander.kv().range(odd)).getStatus();
      assertEquals(Status.Code.INVALID_ARGUMENT, refused.getCode());
      assertEquals("etcdserver: invalid sort option", refused.getDescription());
    }
  }

  /**
   * This ends an etcd process: the delete of everything from a key on is not seen to cover the
   * put's key, so the put passes all checks and then does not find the value it is to keep.
   */
  @Test
  void aPutThatKeepsAValueItsOwnTxnDeletes() {
    var key = ByteString.copyFromUtf8("large");
    var before = bystander.kv().put(put(3)).getHeader().getRevision();
    var deleteAll =
        DeleteRangeRequest.newBuilder().setKey(key).setRangeEnd(ByteString.copyFrom(new byte[1]));
    var keep = PutRequest.newBuilder().setKey(key).setIgnoreValue(true);
    var txn =
        TxnRequest.newBuilder()
            .addSuccess(RequestOp.newBuilder().setRequestDeleteRange(deleteAll))
            .addSuccess(RequestOp.newBuilder().setRequestPut(keep))
            .build();
    assumeTrue(!Binaries.kvorum().endsWith("etcd"), "a real etcd does not survive this");
    var refused = assertThrows(StatusRuntimeException.class, () -> bystander.kv().txn(txn));
    assertEquals("etcdserver: key not found", refused.getStatus().getDescription());
    var after = bystander.kv().range(range("large"));
    assertEquals(1, after.getCount());
    assertEquals(before, after.getHeader().getRevision());
  }

  private Status refusal(PutRequest put) {
    return assertThrows(StatusRuntimeException.class, () -> bystander.kv().put(put)).getStatus();
  }

  private static PutRequest put(int valueBytes) {
    return PutRequest.newBuilder()
        .setKey(ByteString.copyFromUtf8("large"))
        .setValue(ByteString.copyFrom(new byte[valueBytes]))
        .build();
  }

  private static RangeRequest range(String key) {
    return RangeRequest.newBuilder().setKey(ByteString.copyFromUtf8(key)).build();
  }

  private void bystanderWorks(int number) {
    var key = ByteString.copyFromUtf8("bystander");
    var value = ByteString.copyFromUtf8("value " + number);
    var kv = bystander.kv(Duration.ofSeconds(10));
    var unused = kv.put(PutRequest.newBuilder().setKey(key).setValue(value).build());
    var reply = kv.range(range("bystander"));
    // a mutated delete or put may have reached this key too; what matters is that calls are
    // answered
    assertNotEquals(0, reply.getHeader().getRevision());
  }

  private InetSocketAddress address() {
    return new InetSocketAddress("127.0.0.1", server.clientPort());
  }

  private static long descriptorLimit() throws IOException {
    try (var lines = Files.lines(Path.of("/proc/self/limits"))) {
      return lines
          .filter(line -> line.startsWith("Max open files"))
          .map(line -> line.split("\\s+")[3])
          .mapToLong(limit -> limit.equals("unlimited") ? Long.MAX_VALUE : Long.parseLong(limit))
          .findFirst()
          .orElse(0);
    }
  }

  /** What a process holds. */
  private record Footprint(long threads, long files, long residentKib) {
    static Footprint of(ServerProcess server) {
      return new Footprint(server.status("Threads"), server.openFiles(), server.status("VmRSS"));
    }

    void isReachedAgain(ServerProcess server) {
      Await.until(
          "back to " + this + ", last seen " + of(server),
          CALM_LIMIT,
          () -> {
            var now = of(server);
            return now.threads <= threads + MAX_MORE_THREADS
                && now.files <= files + MAX_MORE_FILES
                && now.residentKib <= residentKib + MAX_GROWTH_KIB;
          });
    }
  }
}
