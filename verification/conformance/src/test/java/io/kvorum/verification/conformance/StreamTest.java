package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.WatchCreateRequest;
import io.etcd.jetcd.api.WatchRequest;
import io.etcd.jetcd.api.WatchResponse;
import io.grpc.stub.StreamObserver;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.ServerProcess;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A stream lives as long as its client wants it, however much or little it carries. */
class StreamTest {
  private static final int MIB = 1 << 20;
  private static final int LOAD_MIB = 110;

  @SuppressWarnings("NullAway.Init")
  private static ServerProcess server;

  @BeforeAll
  static void start() {
    server = ServerProcess.start(Binaries.kvorum());
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void aWatchThatCarriedMoreThanAHundredMebibytesStillWorks() {
    try (var connection = Connection.to(server.address());
        var watch = new Watch(connection, "load/")) {
      var value = ByteString.copyFrom(new byte[MIB]);
      for (int i = 0; i < LOAD_MIB; i++) put(connection, "load/" + i % 4, value);
      watch.awaitBytes((long) LOAD_MIB * MIB, Duration.ofSeconds(60));
      put(connection, "load/last", ByteString.copyFromUtf8("small"));
      watch.awaitKey("load/last", Duration.ofSeconds(10));
    }
  }

  @Test
  void aConnectionThatCarriedMoreThanAHundredMebibytesOfRequestsStillWorks() {
    try (var connection = Connection.to(server.address())) {
      var value = ByteString.copyFrom(new byte[MIB]);
      long revision = 0;
      for (int i = 0; i < LOAD_MIB; i++) revision = put(connection, "in/" + i % 4, value);
      assertEquals(revision + 1, put(connection, "in/last", ByteString.EMPTY));
    }
  }

  @Test
  @Tag("long")
  void aWatchThatWasIdleForMoreThanFiveMinutesStillWorks() {
    staysAlive(Duration.ofSeconds(320));
  }

  @Test
  void aWatchThatWasIdleForAWhileStillWorks() {
    staysAlive(Duration.ofSeconds(15));
  }

  private static void staysAlive(Duration idle) {
    try (var connection = Connection.to(server.address());
        var watch = new Watch(connection, "idle/")) {
      assertTrue(!Await.holdsWithin(idle, watch::hasEnded), watch::toString);
      put(connection, "idle/last", ByteString.EMPTY);
      watch.awaitKey("idle/last", Duration.ofSeconds(10));
    }
  }

  private static long put(Connection connection, String key, ByteString value) {
    var put = PutRequest.newBuilder().setKey(ByteString.copyFromUtf8(key)).setValue(value).build();
    return connection.kv(Duration.ofSeconds(20)).put(put).getHeader().getRevision();
  }

  /** A watch on a prefix that counts what it gets; created when the constructor returns. */
  private static final class Watch implements StreamObserver<WatchResponse>, AutoCloseable {
    private final AtomicLong bytes = new AtomicLong();
    private volatile boolean created;
    private volatile String lastKey = "";
    private volatile String ended = "";
    private final StreamObserver<WatchRequest> requests;

    Watch(Connection connection, String prefix) {
      requests = connection.watch().watch(this);
      var create =
          WatchCreateRequest.newBuilder()
              .setKey(ByteString.copyFromUtf8(prefix))
              .setRangeEnd(ByteString.copyFromUtf8(prefix + (char) 0x7f));
      requests.onNext(WatchRequest.newBuilder().setCreateRequest(create).build());
      Await.until("watch created", Duration.ofSeconds(10), () -> created);
    }

    void awaitBytes(long count, Duration limit) {
      Await.until(count + " bytes", limit, () -> hasEnded() || bytes.get() >= count);
      assertTrue(!hasEnded(), this::toString);
    }

    void awaitKey(String key, Duration limit) {
      Await.until("event of " + key, limit, () -> hasEnded() || lastKey.equals(key));
      assertTrue(!hasEnded(), this::toString);
    }

    boolean hasEnded() {
      return !ended.isEmpty();
    }

    @Override
    public void onNext(WatchResponse response) {
      if (response.getCreated()) created = true;
      for (var event : response.getEventsList()) {
        bytes.addAndGet(event.getKv().getValue().size());
        lastKey = event.getKv().getKey().toStringUtf8();
      }
    }

    @Override
    public void onError(Throwable failure) {
      ended = failure.toString();
    }

    @Override
    public void onCompleted() {
      ended = "completed";
    }

    @Override
    public String toString() {
      return "watch, " + bytes + " bytes, last key " + lastKey + ", ended: " + ended;
    }

    @Override
    public void close() {
      requests.onError(new CancellationException("seen enough"));
    }
  }
}
