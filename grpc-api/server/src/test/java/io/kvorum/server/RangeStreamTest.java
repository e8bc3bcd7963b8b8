package io.kvorum.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RangeRequest.SortOrder;
import io.kvorum.protocol.etcdserverpb.RangeRequest.SortTarget;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import io.kvorum.protocol.etcdserverpb.RangeStreamResponse;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Ranges that are too large for one piece, over the wire: streamed and in one message. */
class RangeStreamTest {
  private static final MethodDescriptor<RangeRequest, RangeStreamResponse> STREAM =
      ServerFixture.method(
          "etcdserverpb.KV/RangeStream",
          MethodDescriptor.MethodType.SERVER_STREAMING,
          RangeRequest.getDefaultInstance(),
          RangeStreamResponse.getDefaultInstance());
  private static final ByteString KEY = ByteString.copyFromUtf8("a");
  private static final ByteString END = ByteString.copyFromUtf8("z");

  private final ServerFixture fixture = new ServerFixture();
  private final FakeGroup group = fixture.group;

  @AfterEach
  void close() {
    ServerFixture.await("every answer is forgotten", () -> fixture.server.openAnswers() == 0);
    assertEquals(0, fixture.server.openAnswerBytes(), "all memory is given back");
    fixture.close();
    ServerFixture.await("every view is closed", () -> group.openViews.get() == 0);
  }

  /** A stream whose messages are asked for by the test. */
  private final class Stream extends ClientCall.Listener<RangeStreamResponse> {
    final ConcurrentLinkedQueue<RangeResponse> messages = new ConcurrentLinkedQueue<>();
    final ClientCall<RangeRequest, RangeStreamResponse> call =
        fixture.channel.newCall(STREAM, CallOptions.DEFAULT);
    volatile @Nullable Status status;

    Stream(RangeRequest request, int messagesWanted) {
      call.start(this, new Metadata());
      call.request(messagesWanted);
      call.sendMessage(request);
      call.halfClose();
    }

    @Override
    public void onMessage(RangeStreamResponse message) {
      messages.add(message.getRangeResponse());
    }

    @Override
    public void onClose(Status end, Metadata trailers) {
      status = end;
    }

    String end() {
      ServerFixture.await("the stream's end", () -> status != null);
      Status end = status;
      return end == null ? "" : ServerFixture.line(end);
    }
  }

  private static RangeRequest.Builder range() {
    return RangeRequest.newBuilder().setKey(KEY).setRangeEnd(END);
  }

  private static RangeResponse.Builder stored(int records, int valueBytes) {
    RangeResponse.Builder all =
        RangeResponse.newBuilder()
            .setHeader(ResponseHeader.newBuilder().setRevision(FakeGroup.REVISION))
            .setCount(records + 5)
            .setMore(true);
    ByteString value = ByteString.copyFrom(new byte[valueBytes]);
    for (int i = 0; i < records; i++) {
      all.addKvs(
          KeyValue.newBuilder()
              .setKey(ByteString.copyFromUtf8("k%06d".formatted(i)))
              .setModRevision(i + 1)
              .setValue(value));
    }
    return all;
  }

  private static ResponseHeader fullHeader() {
    return ResponseHeader.newBuilder()
        .setClusterId(FakeGroup.CLUSTER_ID)
        .setMemberId(FakeGroup.MEMBER_ID)
        .setRaftTerm(FakeGroup.TERM)
        .setRevision(FakeGroup.REVISION)
        .build();
  }

  @Test
  void onlyTheLastMessageHasHeaderCountAndMore() {
    RangeResponse all = stored(3_000, 300).build();
    group.ranges = request -> Outcome.ok(all.toBuilder());
    Stream stream = new Stream(range().build(), Integer.MAX_VALUE);
    assertEquals("OK: null", stream.end());
    List<RangeResponse> messages = new ArrayList<>(stream.messages);
    List<KeyValue> records = new ArrayList<>();
    messages.forEach(message -> records.addAll(message.getKvsList()));
    assertEquals(all.getKvsList(), records);
    assertEquals(10, messages.getFirst().getKvsCount());
    assertEquals(20, messages.get(1).getKvsCount());
    RangeResponse last = messages.removeLast();
    assertEquals(fullHeader(), last.getHeader());
    assertEquals(3_005, last.getCount());
    assertTrue(last.getMore());
    for (RangeResponse message : messages) {
      assertFalse(message.hasHeader());
      assertEquals(0, message.getCount());
      assertFalse(message.getMore());
      assertTrue(message.getKvsCount() > 0);
      assertTrue(message.getSerializedSize() < 200_000, "in pieces");
    }
    assertEquals(1, fixture.metrics.count("etcdserverpb.KV/RangeStream handled OK"));
    assertEquals(1, group.barriers.get());
  }

  @Test
  void nothingIsOneMessage() {
    Stream stream = new Stream(range().setSerializable(true).build(), 10);
    assertEquals("OK: null", stream.end());
    assertEquals(
        List.of(RangeResponse.newBuilder().setHeader(fullHeader()).build()),
        new ArrayList<>(stream.messages));
    assertEquals(0, group.barriers.get());
  }

  @Test
  void refusals() {
    String sort = "UNIMPLEMENTED: RangeStream does not support custom sort orders";
    assertEquals(sort, new Stream(range().setSortOrder(SortOrder.DESCEND).build(), 1).end());
    assertEquals(
        sort,
        new Stream(range().setSortOrder(SortOrder.ASCEND).setSortTarget(SortTarget.MOD).build(), 1)
            .end());
    assertEquals(
        "UNIMPLEMENTED: RangeStream does not support revision filters",
        new Stream(range().setMaxCreateRevision(1).build(), 1).end());
    assertEquals(
        "INVALID_ARGUMENT: etcdserver: key is not provided",
        new Stream(RangeRequest.getDefaultInstance(), 1).end());
    assertEquals(
        "INVALID_ARGUMENT: etcdserver: invalid sort option",
        new Stream(range().setSortTargetValue(7).build(), 1).end());
    group.ranges = request -> Outcome.refused(EtcdError.FUTURE_REV);
    assertEquals(
        "OUT_OF_RANGE: etcdserver: mvcc: required revision is a future revision",
        new Stream(range().build(), 1).end());
    group.barrier =
        () -> CompletableFuture.completedFuture(Outcome.refused(EtcdError.LEADER_CHANGED));
    assertEquals("UNAVAILABLE: etcdserver: leader changed", new Stream(range().build(), 1).end());
  }

  @Test
  void aCompactionOfItsRevisionEndsAStream() {
    RangeResponse all = stored(10_000, 1_000).build();
    group.ranges = request -> Outcome.ok(all.toBuilder());
    Stream stream = new Stream(range().build(), 1);
    ServerFixture.await("a first message", () -> !stream.messages.isEmpty());
    group.compactedRevision = FakeGroup.REVISION + 1;
    stream.call.request(Integer.MAX_VALUE);
    assertEquals(
        "OUT_OF_RANGE: etcdserver: mvcc: required revision has been compacted", stream.end());
    assertEquals(1, fixture.metrics.count("etcdserverpb.KV/RangeStream handled OUT_OF_RANGE"));
  }

  @Test
  void aClientThatDoesNotReadHoldsOnePieceAndCanLeave() {
    RangeResponse all = stored(30_000, 1_000).build();
    group.ranges = request -> Outcome.ok(all.toBuilder());
    Stream stream = new Stream(range().build(), 1);
    ServerFixture.await("a first message", () -> !stream.messages.isEmpty());
    // Whatever the windows take, at its end one piece waits; how large, depends on the windows.
    ServerFixture.await("a piece waits", () -> fixture.server.openAnswerBytes() > 0);
    assertTrue(fixture.server.openAnswerBytes() < 200_000);
    stream.call.cancel("enough", null);
    ServerFixture.await("given back", () -> fixture.server.openAnswerBytes() == 0);
    ServerFixture.await(
        "counted",
        () -> fixture.metrics.count("etcdserverpb.KV/RangeStream handled CANCELLED") == 1);
  }

  @Test
  void aServerThatStopsSaysSo() {
    RangeResponse all = stored(30_000, 1_000).build();
    group.ranges = request -> Outcome.ok(all.toBuilder());
    Stream stream = new Stream(range().build(), 1);
    ServerFixture.await("a first message", () -> !stream.messages.isEmpty());
    var stopped = fixture.server.terminate(java.time.Duration.ofSeconds(5));
    stream.call.request(Integer.MAX_VALUE);
    assertEquals("UNAVAILABLE: etcdserver: server stopped", stream.end());
    stopped.toCompletableFuture().join();
  }

  /** Each size takes a way of its own: free, with memory, measured and read again. */
  @Test
  void oneMessageOfAnySize() {
    for (int records : new int[] {0, 1, 30, 300, 3_000, 30_000}) {
      RangeResponse all = stored(records, 1_000).build();
      group.ranges = request -> Outcome.ok(all.toBuilder());
      RangeResponse expected = all.toBuilder().setHeader(fullHeader()).build();
      assertEquals(expected, fixture.call(ServerFixture.RANGE, range().build()));
      if (records < 30_000) {
        RangeRequest sorted = range().setSortOrder(SortOrder.DESCEND).build();
        assertEquals(expected, fixture.call(ServerFixture.RANGE, sorted));
      }
    }
    assertTrue(group.walksGoneOn.get() > 0, "the largest was read twice");
  }

  @Test
  void aSortedAnswerThatIsTooLargeIsRefused() {
    group.ranges = request -> Outcome.refused(EtcdError.ANSWER_TOO_LARGE);
    assertEquals(
        "RESOURCE_EXHAUSTED: kvorum: the answer is too large for this server's memory, ask for less"
            + " at a time",
        fixture.failure(ServerFixture.RANGE, range().setSortOrder(SortOrder.DESCEND).build()));
  }
}
