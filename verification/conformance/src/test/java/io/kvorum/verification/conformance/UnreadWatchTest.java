package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.WatchCreateRequest;
import io.etcd.jetcd.api.WatchGrpc;
import io.etcd.jetcd.api.WatchRequest;
import io.etcd.jetcd.api.WatchResponse;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.Directories;
import io.kvorum.verification.conformance.harness.ServerProcess;
import io.kvorum.verification.conformance.harness.ServerProcess.Settings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Clients that watch and do not read, with the heap that the package gives its server: far more is
 * written than it could keep for all of them.
 */
class UnreadWatchTest {
  private static final int CONNECTIONS = 50;
  private static final int STREAMS_PER_CONNECTION = 20;
  private static final int PUTS = 3_000;
  private static final int VALUE_BYTES = 16 << 10;
  private static final int WINDOW_BYTES = 64 << 10;
  private static final Duration PUT_LIMIT = Duration.ofSeconds(5);
  private static final Duration LIMIT = Duration.ofSeconds(60);

  @Test
  void aThousandThatDoNotReadHarmNobodyAndMissNothing() {
    var channels = new ArrayList<ManagedChannel>();
    try (var server =
            ServerProcess.start(Binaries.kvorum(), Settings.plain().dataUnder(Directories.fast()));
        var writer = Connection.to(server.address())) {
      var unread = new ArrayList<List<Unread>>();
      for (int i = 0; i < CONNECTIONS; i++) {
        var channel = narrow(server.address());
        channels.add(channel);
        var streams = new ArrayList<Unread>();
        for (int k = 0; k < STREAMS_PER_CONNECTION; k++) streams.add(new Unread(channel));
        unread.add(streams);
      }
      Await.until(
          "all watches are created",
          LIMIT,
          () -> unread.stream().flatMap(List::stream).allMatch(Unread::isCreated));
      var value = ByteString.copyFrom(new byte[VALUE_BYTES]);
      for (int i = 0; i < PUTS; i++) put(writer, "unread/" + i % 100, value);
      // The connection's window is shared: with the others gone the one has it to himself.
      for (var streams : unread.subList(0, 3)) {
        var one = streams.removeFirst();
        streams.forEach(Unread::cancel);
        one.read();
        boolean all = Await.holdsWithin(LIMIT, () -> one.events() == PUTS);
        one.check();
        assertTrue(all, () -> one.events() + " events of " + PUTS);
      }
      put(writer, "unread/last", value);
      unread.getLast().forEach(Unread::check);
    } finally {
      channels.forEach(ManagedChannel::shutdownNow);
    }
  }

  /** Little waits on the client's side, and with it all the more at the server. */
  private static ManagedChannel narrow(String address) {
    return NettyChannelBuilder.forTarget("dns:///" + address)
        .usePlaintext()
        .directExecutor()
        .flowControlWindow(WINDOW_BYTES)
        .build();
  }

  private static void put(Connection connection, String key, ByteString value) {
    var put = PutRequest.newBuilder().setKey(ByteString.copyFromUtf8(key)).setValue(value);
    var unused = connection.kv(PUT_LIMIT).put(put.build());
  }

  /** One stream with a watch of everything; after the answer it takes nothing until told to. */
  private static final class Unread implements ClientResponseObserver<WatchRequest, WatchResponse> {
    private @Nullable ClientCallStreamObserver<WatchRequest> call;
    private boolean created;
    private boolean reads;
    private boolean cancelled;
    private long events;
    private long last;
    private String wrong = "";

    Unread(ManagedChannel channel) {
      var requests = WatchGrpc.newStub(channel).watch(this);
      var create =
          WatchCreateRequest.newBuilder()
              .setKey(ByteString.copyFromUtf8("unread/"))
              .setRangeEnd(ByteString.copyFromUtf8("unread0"));
      requests.onNext(WatchRequest.newBuilder().setCreateRequest(create).build());
    }

    @Override
    public synchronized void beforeStart(ClientCallStreamObserver<WatchRequest> started) {
      call = started;
      started.disableAutoRequestWithInitial(1);
    }

    synchronized void read() {
      reads = true;
      if (call != null) call.request(1);
    }

    synchronized void cancel() {
      cancelled = true;
      if (call != null) call.cancel("seen enough", null);
    }

    synchronized boolean isCreated() {
      return created;
    }

    synchronized long events() {
      return events;
    }

    synchronized void check() {
      assertEquals("", wrong);
    }

    @Override
    public synchronized void onNext(WatchResponse response) {
      if (response.getCreated()) created = true;
      for (var event : response.getEventsList()) {
        long revision = event.getKv().getModRevision();
        if (revision != last + 1 && last != 0) wrong = revision + " comes after " + last;
        last = revision;
        events++;
      }
      if (reads && call != null) call.request(1);
    }

    @Override
    public synchronized void onError(Throwable failure) {
      if (!cancelled) wrong = failure + ", " + failure.getCause();
    }

    @Override
    public synchronized void onCompleted() {
      wrong = "the stream is complete";
    }
  }
}
