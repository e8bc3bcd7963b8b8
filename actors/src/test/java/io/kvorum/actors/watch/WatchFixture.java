package io.kvorum.actors.watch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.kvorum.actors.telemetry.EtcdMetrics;
import io.kvorum.actors.telemetry.Telemetry;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.WatchCancelRequest;
import io.kvorum.protocol.etcdserverpb.WatchCreateRequest;
import io.kvorum.protocol.etcdserverpb.WatchProgressRequest;
import io.kvorum.protocol.etcdserverpb.WatchRequest;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.stream.Attributes;
import org.apache.pekko.stream.BoundedSourceQueue;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.SinkQueueWithCancel;
import org.apache.pekko.stream.javadsl.Source;
import org.jspecify.annotations.Nullable;

/** A hub over a {@link FakeStore}, and clients of it whose demand the test decides. */
final class WatchFixture implements AutoCloseable {
  static final long CLUSTER_ID = 7;
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  static final WatchHub.Settings SETTINGS = WatchHub.Settings.defaults();

  /** Everything so tight that a few events bring a watcher from one way of reading to another. */
  static final WatchHub.Settings TIGHT =
      new WatchHub.Settings(
          8,
          4096,
          1024,
          1 << 20,
          4,
          1,
          5,
          2048,
          64,
          4096,
          2 << 20,
          1 << 20,
          Duration.ofMinutes(10));

  private static final ActorTestKit KIT = ActorTestKit.create("watch");

  final FakeStore store;
  final Telemetry telemetry = Telemetry.start();
  final WatchHub.Settings settings;
  final ExecutorService readers = Executors.newFixedThreadPool(2);
  final ActorRef<WatchHub.Message> hub;
  final WatchPublisher publisher;
  final WatchStreams streams;

  WatchFixture(WatchHub.Settings settings) {
    this(settings, new FakeStore(), null);
  }

  WatchFixture(WatchHub.Settings settings, FakeStore store, @Nullable Executor readExecutor) {
    this.settings = settings;
    this.store = store;
    this.hub = KIT.spawn(WatchHub.create(settings, store, store::tellPreviousValues, telemetry));
    this.publisher = new WatchPublisher(hub::tell, settings);
    this.streams =
        new WatchStreams(
            settings,
            store,
            WatchFixture::header,
            readExecutor == null ? readers : readExecutor,
            new EtcdMetrics(telemetry));
    streams.show(telemetry);
  }

  /** What a client reads from a chunk. */
  static List<WatchResponse> responses(ResponseChunk chunk) {
    var responses = new ArrayList<WatchResponse>();
    var bytes = chunk.bytes().asByteBuffer();
    while (bytes.hasRemaining()) {
      assertEquals(0, bytes.get());
      int length = bytes.getInt();
      var message = bytes.slice(bytes.position(), length);
      bytes.position(bytes.position() + length);
      try {
        responses.add(WatchResponse.parseFrom(message));
      } catch (InvalidProtocolBufferException e) {
        throw new AssertionError(e);
      }
    }
    assertEquals(chunk.responses(), responses.size());
    return responses;
  }

  static ResponseHeader header(long revision) {
    return ResponseHeader.newBuilder().setClusterId(CLUSTER_ID).setRevision(revision).build();
  }

  void stopHub() {
    KIT.stop(hub);
  }

  long put(String key, String value) {
    return commit(new FakeStore.Op(key, value));
  }

  long delete(String key) {
    return commit(new FakeStore.Op(key, null));
  }

  /** As the applier does it: commit, then publish. */
  long commit(FakeStore.Op... ops) {
    var revisions = store.commit(ops);
    if (!revisions.isEmpty()) {
      publisher.publish(revisions);
    }
    return store.current();
  }

  Client client() {
    return new Client();
  }

  double metric(String name) {
    for (var line : telemetry.scrape().lines().toList()) {
      if (line.startsWith(name + " ")) {
        return Double.parseDouble(line.substring(name.length() + 1));
      }
    }
    throw new AssertionError("no metric " + name);
  }

  /** Waits until the condition holds. */
  static void await(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("did not come to pass: " + what);
      }
      Thread.onSpinWait();
    }
  }

  @Override
  public void close() {
    KIT.stop(hub);
    readers.shutdown();
    try {
      if (!readers.awaitTermination(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        throw new AssertionError("reads of history do not end");
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    await("all views are closed", () -> store.openViews.get() == 0);
  }

  static WatchRequest create(String key, UnaryOperator<WatchCreateRequest.Builder> more) {
    var create = WatchCreateRequest.newBuilder().setKey(ByteString.copyFromUtf8(key));
    return WatchRequest.newBuilder().setCreateRequest(more.apply(create)).build();
  }

  static WatchRequest create(String key, String rangeEnd) {
    return create(key, b -> b.setRangeEnd(ByteString.copyFromUtf8(rangeEnd)));
  }

  static WatchRequest cancel(long id) {
    return WatchRequest.newBuilder()
        .setCancelRequest(WatchCancelRequest.newBuilder().setWatchId(id))
        .build();
  }

  static WatchRequest progress() {
    return WatchRequest.newBuilder()
        .setProgressRequest(WatchProgressRequest.getDefaultInstance())
        .build();
  }

  /** One client stream; takes a response only when one is asked for. */
  final class Client implements AutoCloseable {
    private final BoundedSourceQueue<WatchRequest> requests;
    private final SinkQueueWithCancel<WatchResponse> responses;
    private @Nullable CompletableFuture<Optional<WatchResponse>> pulled;

    private Client() {
      var source = Source.<WatchRequest>queue(100_000).preMaterialize(KIT.system());
      this.requests = source.first();
      this.responses =
          streams
              .open(hub, source.second())
              .mapConcat(WatchFixture::responses)
              .runWith(
                  Sink.<WatchResponse>queue(1).withAttributes(Attributes.inputBuffer(1, 1)),
                  KIT.system());
    }

    void send(WatchRequest... toSend) {
      for (var request : toSend) {
        if (!requests.offer(request).isEnqueued()) {
          throw new AssertionError("the request queue is full or closed");
        }
      }
    }

    /** Closes the client's side. */
    void halfClose() {
      requests.complete();
    }

    /** The next response within a few seconds. */
    WatchResponse next() {
      var response = poll(PATIENCE);
      if (response == null) {
        throw new AssertionError("no response");
      }
      return response;
    }

    /** The next response, or null if there is none in time; it then comes with the next call. */
    @Nullable WatchResponse poll(Duration patience) {
      var waiting = pulled == null ? responses.pull().toCompletableFuture() : pulled;
      pulled = waiting;
      try {
        var response = waiting.get(patience.toNanos(), TimeUnit.NANOSECONDS);
        pulled = null;
        return response.orElseThrow(() -> new AssertionError("the stream is complete"));
      } catch (TimeoutException e) {
        return null;
      } catch (ExecutionException e) {
        throw new AssertionError("the stream failed", e.getCause());
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }

    /** Creates a watcher, takes its answer and returns its id. */
    long created(WatchRequest request) {
      send(request);
      var response = next();
      if (!response.getCreated() || response.getCanceled()) {
        throw new AssertionError("not created: " + response);
      }
      return response.getWatchId();
    }

    /**
     * Everything that comes before the answer to a request that is sent now and always answered:
     * how a test sees that something was not sent, without waiting for it.
     */
    List<WatchResponse> untilRefusal() {
      send(create("b", "a"));
      var before = new ArrayList<WatchResponse>();
      var response = next();
      while (!response.getCancelReason().equals("mvcc: watcher range is empty")) {
        before.add(response);
        response = next();
      }
      return before;
    }

    @Override
    public void close() {
      responses.cancel();
    }
  }
}
