package io.kvorum.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.kvorum.actors.raft.membership.Standing;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.etcdserverpb.WatchCreateRequest;
import io.kvorum.protocol.etcdserverpb.WatchRequest;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import io.kvorum.protocol.health.HealthCheckRequest;
import io.kvorum.protocol.health.HealthCheckResponse;
import io.kvorum.protocol.health.HealthListRequest;
import io.kvorum.protocol.health.HealthListResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.pekko.NotUsed;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.stream.OverflowStrategy;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.stream.javadsl.SourceQueueWithComplete;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Streaming calls over the wire: how they go on, and how they end. */
class StreamsTest {
  private static final MethodDescriptor<HealthCheckRequest, HealthCheckResponse> HEALTH_CHECK =
      ServerFixture.unary(
          "grpc.health.v1.Health/Check",
          HealthCheckRequest.getDefaultInstance(),
          HealthCheckResponse.getDefaultInstance());
  private static final MethodDescriptor<HealthListRequest, HealthListResponse> HEALTH_LIST =
      ServerFixture.unary(
          "grpc.health.v1.Health/List",
          HealthListRequest.getDefaultInstance(),
          HealthListResponse.getDefaultInstance());
  private static final MethodDescriptor<HealthCheckRequest, HealthCheckResponse> HEALTH_WATCH =
      ServerFixture.method(
          "grpc.health.v1.Health/Watch",
          MethodDescriptor.MethodType.SERVER_STREAMING,
          HealthCheckRequest.getDefaultInstance(),
          HealthCheckResponse.getDefaultInstance());

  private final ServerFixture fixture = new ServerFixture();
  private final FakeGroup group = fixture.group;

  @AfterEach
  void close() {
    fixture.close();
  }

  /** One client call, with everything it was told. */
  private final class Call<Q, R> extends ClientCall.Listener<R> {
    final ConcurrentLinkedQueue<R> messages = new ConcurrentLinkedQueue<>();
    final ClientCall<Q, R> call;
    volatile @Nullable Status status;

    Call(MethodDescriptor<Q, R> method, Metadata metadata, CallOptions options) {
      call = fixture.channel.newCall(method, options);
      call.start(this, metadata);
      call.request(Integer.MAX_VALUE);
    }

    @Override
    public void onMessage(R message) {
      messages.add(message);
    }

    @Override
    public void onClose(Status end, Metadata trailers) {
      status = end;
    }

    R next(String what) {
      ServerFixture.await(what, () -> !messages.isEmpty());
      return messages.remove();
    }

    String end(String what) {
      ServerFixture.await(what, () -> status != null);
      Status end = status;
      return end == null ? "" : ServerFixture.line(end);
    }
  }

  private Call<WatchRequest, WatchResponse> watch() {
    return new Call<>(ServerFixture.WATCH, new Metadata(), CallOptions.DEFAULT);
  }

  private static WatchRequest create(long id) {
    return WatchRequest.newBuilder()
        .setCreateRequest(WatchCreateRequest.newBuilder().setWatchId(id))
        .build();
  }

  private static WatchResponse created(WatchRequest request) {
    return WatchResponse.newBuilder()
        .setWatchId(request.getCreateRequest().getWatchId())
        .setCreated(true)
        .build();
  }

  /** Each create request is answered at once. */
  private void answerCreates() {
    group.watches = requests -> requests.map(StreamsTest::created);
  }

  @Test
  void requestsAndResponsesKeepTheirOrder() {
    answerCreates();
    Call<WatchRequest, WatchResponse> watch = watch();
    for (int id = 0; id < 500; id++) {
      watch.call.sendMessage(create(id));
    }
    for (int id = 0; id < 500; id++) {
      assertEquals(id, watch.next("response " + id).getWatchId());
    }
    String method = "etcdserverpb.Watch/Watch";
    assertEquals(1, fixture.metrics.count(method + " started"));
    assertEquals(500, fixture.metrics.count(method + " received"));
    assertEquals(1, fixture.metrics.count("client BIDI_STREAM unknown"));
    watch.call.cancel("enough", null);
    ServerFixture.await(
        "counted as cancelled", () -> fixture.metrics.count(method + " handled CANCELLED") == 1);
    ServerFixture.await("forgotten", () -> fixture.server.openStreams() == 0);
  }

  @Test
  void aClientThatClosesItsSideKeepsItsEvents() {
    Pair<SourceQueueWithComplete<WatchResponse>, Source<WatchResponse, NotUsed>> events =
        Source.<WatchResponse>queue(16, OverflowStrategy.fail()).preMaterialize(fixture.system);
    group.watches = requests -> requests.map(StreamsTest::created).merge(events.second());
    Call<WatchRequest, WatchResponse> watch = watch();
    watch.call.sendMessage(create(3));
    watch.call.halfClose();
    assertEquals(3, watch.next("created").getWatchId());
    for (int i = 0; i < 10; i++) {
      events.first().offer(WatchResponse.newBuilder().setWatchId(100 + i).build());
      assertEquals(100 + i, watch.next("event " + i).getWatchId());
    }
    assertNull(watch.status);
    watch.call.cancel("enough", null);
    ServerFixture.await("forgotten", () -> fixture.server.openStreams() == 0);
  }

  @Test
  void aStreamThatTheGroupEndsIsOk() {
    group.watches = requests -> Source.single(WatchResponse.newBuilder().setWatchId(9).build());
    Call<WatchRequest, WatchResponse> watch = watch();
    watch.call.sendMessage(create(1));
    assertEquals(9, watch.next("response").getWatchId());
    assertEquals("OK: null", watch.end("end"));
    assertEquals(1, fixture.metrics.count("etcdserverpb.Watch/Watch handled OK"));
  }

  @Test
  void aStreamThatFailsSaysSo() {
    group.watches = requests -> Source.failed(new IllegalStateException("lost the store"));
    Call<WatchRequest, WatchResponse> watch = watch();
    watch.call.sendMessage(create(1));
    assertEquals("UNKNOWN: lost the store", watch.end("end"));
  }

  @Test
  void aRequestThatIsTooLargeEndsTheStream() {
    answerCreates();
    Call<WatchRequest, WatchResponse> watch = watch();
    watch.call.sendMessage(create(1));
    watch.next("created");
    WatchRequest large =
        WatchRequest.newBuilder()
            .setCreateRequest(
                WatchCreateRequest.newBuilder()
                    .setKey(com.google.protobuf.ByteString.copyFrom(new byte[2_100_000])))
            .build();
    watch.call.sendMessage(large);
    assertEquals(
        "RESOURCE_EXHAUSTED: grpc: received message larger than max (%d vs. 2097152)"
            .formatted(large.getSerializedSize()),
        watch.end("end"));
  }

  @Test
  void aDeadlineEndsAStream() {
    answerCreates();
    Call<WatchRequest, WatchResponse> watch =
        new Call<>(
            ServerFixture.WATCH,
            new Metadata(),
            CallOptions.DEFAULT.withDeadlineAfter(300, TimeUnit.MILLISECONDS));
    watch.call.sendMessage(create(1));
    watch.next("created");
    assertTrue(watch.end("deadline").startsWith("DEADLINE_EXCEEDED"));
    ServerFixture.await("forgotten", () -> fixture.server.openStreams() == 0);
  }

  @Test
  void aSlowClientHoldsTheSourceBackInsteadOfFillingMemory() {
    AtomicLong produced = new AtomicLong();
    WatchResponse large = WatchResponse.newBuilder().setCancelReason("x".repeat(100_000)).build();
    group.watches =
        requests ->
            Source.repeat(large)
                .map(
                    response -> {
                      produced.incrementAndGet();
                      return response;
                    });
    ClientCall<WatchRequest, WatchResponse> slow =
        fixture.channel.newCall(ServerFixture.WATCH, CallOptions.DEFAULT);
    slow.start(new ClientCall.Listener<>() {}, new Metadata());
    slow.request(1);
    slow.sendMessage(create(1));
    ServerFixture.await("some are produced", () -> produced.get() > 0);
    // Another call on the same connection is not held up, and by its end no more was produced than
    // the windows and buffers on the way can hold.
    fixture.call(HEALTH_CHECK, HealthCheckRequest.getDefaultInstance());
    long before = produced.get();
    for (int i = 0; i < 50; i++) {
      fixture.call(HEALTH_CHECK, HealthCheckRequest.getDefaultInstance());
    }
    assertTrue(produced.get() <= before + 20 && produced.get() < 200, "produced " + produced.get());
    slow.cancel("enough", null);
    ServerFixture.await("forgotten", () -> fixture.server.openStreams() == 0);
  }

  @Test
  void aStreamCarriesMoreThanAHundredMebibytesDown() {
    WatchResponse large = WatchResponse.newBuilder().setCancelReason("x".repeat(1_000_000)).build();
    group.watches = requests -> Source.repeat(large).take(110);
    AtomicLong bytes = new AtomicLong();
    Status[] end = new Status[1];
    ClientCall<WatchRequest, WatchResponse> call =
        fixture.channel.newCall(ServerFixture.WATCH, CallOptions.DEFAULT);
    call.start(
        new ClientCall.Listener<>() {
          @Override
          public void onMessage(WatchResponse message) {
            bytes.addAndGet(message.getSerializedSize());
            call.request(1);
          }

          @Override
          public void onClose(Status status, Metadata trailers) {
            end[0] = status;
          }
        },
        new Metadata());
    call.request(1);
    call.sendMessage(create(1));
    ServerFixture.await("all arrived", () -> bytes.get() >= 110_000_000L);
    ServerFixture.await("ended", () -> end[0] != null && end[0].isOk());
  }

  @Test
  void withoutALeaderStreamsThatAskedForOneEnd() {
    answerCreates();
    Metadata hasLeader = new Metadata();
    hasLeader.put(Metadata.Key.of("hasleader", Metadata.ASCII_STRING_MARSHALLER), "true");
    Call<WatchRequest, WatchResponse> asked =
        new Call<>(ServerFixture.WATCH, hasLeader, CallOptions.DEFAULT);
    Call<WatchRequest, WatchResponse> silent = watch();
    asked.call.sendMessage(create(1));
    silent.call.sendMessage(create(1));
    asked.next("created");
    silent.next("created");
    group.leader = MemberId.NONE;
    assertEquals("UNAVAILABLE: etcdserver: no leader", asked.end("ended for want of a leader"));
    Call<WatchRequest, WatchResponse> late =
        new Call<>(ServerFixture.WATCH, copy(hasLeader), CallOptions.DEFAULT);
    late.call.sendMessage(create(1));
    assertEquals("UNAVAILABLE: etcdserver: no leader", late.end("refused at once"));
    assertNull(silent.status);
    silent.call.sendMessage(create(2));
    assertEquals(2, silent.next("still served").getWatchId());
  }

  private static Metadata copy(Metadata metadata) {
    Metadata copy = new Metadata();
    copy.merge(metadata);
    return copy;
  }

  @Test
  void aLearnerServesNoWatch() {
    group.standing = Standing.LEARNER;
    Call<WatchRequest, WatchResponse> watch = watch();
    watch.call.sendMessage(create(1));
    assertEquals(
        "FAILED_PRECONDITION: etcdserver: rpc not supported for learner", watch.end("refused"));
  }

  @Test
  void stoppingEndsStreamsWithAReason() {
    answerCreates();
    List<Call<WatchRequest, WatchResponse>> watches = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      Call<WatchRequest, WatchResponse> watch = watch();
      watch.call.sendMessage(create(i));
      watch.next("created");
      watches.add(watch);
    }
    fixture.server.terminate(java.time.Duration.ofSeconds(5)).toCompletableFuture().join();
    watches.forEach(
        watch -> assertEquals("UNAVAILABLE: etcdserver: server stopped", watch.end("stopped")));
  }

  @Test
  void manyStreamsOnOneConnectionAllRun() {
    group.watches = requests -> requests.map(StreamsTest::created).alsoTo(Sink.ignore());
    List<Call<WatchRequest, WatchResponse>> watches = new ArrayList<>();
    for (int i = 0; i < 1_000; i++) {
      Call<WatchRequest, WatchResponse> watch = watch();
      watch.call.sendMessage(create(i));
      watches.add(watch);
    }
    for (int i = 0; i < watches.size(); i++) {
      assertEquals(i, watches.get(i).next("created " + i).getWatchId());
    }
    assertEquals(1_000, fixture.server.openStreams());
    // All at once, as a client that goes away does: the reset throttle lets it through.
    watches.forEach(watch -> watch.call.cancel("enough", null));
    ServerFixture.await("forgotten", () -> fixture.server.openStreams() == 0);
    fixture.call(HEALTH_CHECK, HealthCheckRequest.getDefaultInstance());
  }

  @Test
  void healthOfTheWholeServer() {
    assertEquals(
        HealthCheckResponse.ServingStatus.SERVING,
        fixture.call(HEALTH_CHECK, HealthCheckRequest.getDefaultInstance()).getStatus());
    HealthCheckRequest other = HealthCheckRequest.newBuilder().setService("other").build();
    assertEquals("NOT_FOUND: unknown service", fixture.failure(HEALTH_CHECK, other));
    assertEquals(
        1,
        fixture.call(HEALTH_LIST, HealthListRequest.getDefaultInstance()).getStatusesMap().size());
    Call<HealthCheckRequest, HealthCheckResponse> watch =
        new Call<>(HEALTH_WATCH, new Metadata(), CallOptions.DEFAULT);
    watch.call.sendMessage(HealthCheckRequest.getDefaultInstance());
    watch.call.halfClose();
    assertEquals(HealthCheckResponse.ServingStatus.SERVING, watch.next("first answer").getStatus());
    assertNull(watch.status);
    Call<HealthCheckRequest, HealthCheckResponse> unknown =
        new Call<>(HEALTH_WATCH, new Metadata(), CallOptions.DEFAULT);
    unknown.call.sendMessage(other);
    unknown.call.halfClose();
    assertEquals(
        HealthCheckResponse.ServingStatus.SERVICE_UNKNOWN,
        unknown.next("first answer").getStatus());
  }
}
