package io.kvorum.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.WatchCreateRequest;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import io.kvorum.protocol.mvccpb.Event;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.NotUsed;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.stream.BoundedSourceQueue;
import org.apache.pekko.stream.Materializer;
import org.apache.pekko.stream.SystemMaterializer;
import org.apache.pekko.stream.javadsl.Source;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is read and watched for callers that wait, on a group whose answers the test decides. */
class KeyLinesTest {
  private static final ByteString PREFIX = ByteString.copyFromUtf8("lock/");

  private record Watch(
      WatchCreateRequest request,
      BoundedSourceQueue<WatchResponse> responses,
      CompletionStage<?> ended) {}

  private final ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "lines-test");
  private final FakeGroup group = new FakeGroup();
  private final BlockingQueue<RangeRequest> ranges = new LinkedBlockingQueue<>();
  private final BlockingQueue<CompletableFuture<RangeResponse>> answers =
      new LinkedBlockingQueue<>();
  private final BlockingQueue<Watch> watches = new LinkedBlockingQueue<>();
  private final Materializer materializer = SystemMaterializer.get(system).materializer();
  private final KeyLines lines =
      new KeyLines(new KeyQueue(group, new Reads(group), materializer), materializer);

  @BeforeEach
  void answer() {
    group.ranges =
        request -> {
          ranges.add(request);
          try {
            return Outcome.ok(answers.take().get().toBuilder());
          } catch (ExecutionException e) {
            return Outcome.refused(EtcdError.CORRUPT);
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
        };
    group.watches =
        requests ->
            requests
                .take(1)
                .flatMapConcat(
                    request -> {
                      Pair<BoundedSourceQueue<WatchResponse>, Source<WatchResponse, NotUsed>>
                          queue = Source.<WatchResponse>queue(16).preMaterialize(system);
                      return queue
                          .second()
                          .watchTermination(
                              (ignored, ended) -> {
                                watches.add(
                                    new Watch(request.getCreateRequest(), queue.first(), ended));
                                return ignored;
                              });
                    });
  }

  @AfterEach
  void stop() {
    system.terminate();
    group.close();
  }

  private static ByteString key(int number) {
    return PREFIX.concat(ByteString.copyFromUtf8(Integer.toString(number)));
  }

  private static KeyValue record(int number, long created) {
    return KeyValue.newBuilder()
        .setKey(key(number))
        .setCreateRevision(created)
        .setModRevision(created)
        .build();
  }

  private static CompletableFuture<RangeResponse> range(
      long revision, boolean more, KeyValue... records) {
    return CompletableFuture.completedFuture(
        RangeResponse.newBuilder()
            .setHeader(ResponseHeader.newBuilder().setRevision(revision))
            .setMore(more)
            .addAllKvs(List.of(records))
            .build());
  }

  private static WatchResponse deleted(int number, long revision) {
    return WatchResponse.newBuilder()
        .addEvents(
            Event.newBuilder()
                .setType(Event.EventType.DELETE)
                .setKv(KeyValue.newBuilder().setKey(key(number)).setModRevision(revision)))
        .build();
  }

  private CompletableFuture<Turn.Came> await(int number, long created, Turn turn) {
    return lines.await(PREFIX, key(number), created, turn).toCompletableFuture();
  }

  private static <T> T taken(BlockingQueue<T> queue) throws InterruptedException {
    T taken = queue.poll(10, TimeUnit.SECONDS);
    if (taken == null) {
      throw new AssertionError("nothing came");
    }
    return taken;
  }

  private static Turn.Came came(CompletableFuture<Turn.Came> turn) throws Exception {
    return turn.get(10, TimeUnit.SECONDS);
  }

  @Test
  void whoIsFirstDoesNotWaitAndWatchesNothing() throws Exception {
    answers.add(range(7, false, record(1, 7)));
    assertEquals(Turn.Came.AT_ONCE, came(await(1, 7, new Turn())));
    assertEquals(0, lines.size());
    assertEquals(0, watches.size());
    assertEquals(PREFIX, taken(ranges).getKey());
  }

  @Test
  void whoseKeyHasGoneIsToldToLook() throws Exception {
    answers.add(range(9, false, record(2, 8)));
    assertEquals(Turn.Came.AFTER_WAITING, came(await(1, 7, new Turn())));
  }

  @Test
  void allWaitersShareOneReadAndOneWatch() throws Exception {
    answers.add(range(9, false, record(1, 7), record(2, 8), record(3, 9)));
    var third = await(3, 9, new Turn());
    var second = await(2, 8, new Turn());
    var watch = taken(watches);
    assertEquals(10, watch.request().getStartRevision());
    assertEquals(ByteString.copyFromUtf8("lock0"), watch.request().getRangeEnd());
    watch.responses().offer(deleted(1, 10));
    assertEquals(Turn.Came.AFTER_WAITING, came(second));
    assertFalse(third.isDone());
    watch.responses().offer(deleted(2, 11));
    assertEquals(Turn.Came.AFTER_WAITING, came(third));
    watch.ended().toCompletableFuture().get(10, TimeUnit.SECONDS);
    assertEquals(0, lines.size());
    assertEquals(1, ranges.size());
  }

  /** A deletion that is known early may be a later change than that of the caller's own key. */
  @Test
  void whoIsFirstInALineThatIsFollowedIsToldToLook() throws Exception {
    answers.add(range(9, false, record(1, 7), record(2, 8), record(3, 9)));
    var third = await(3, 9, new Turn());
    taken(watches);
    assertEquals(Turn.Came.AFTER_WAITING, came(await(1, 7, new Turn())));
    lines.deleted(PREFIX, key(1), 11);
    assertEquals(Turn.Came.AFTER_WAITING, came(await(2, 8, new Turn())));
    assertFalse(third.isDone());
  }

  @Test
  void aDeletionAppliedHereNeedsNoWatch() throws Exception {
    answers.add(range(9, false, record(1, 7), record(2, 8)));
    var second = await(2, 8, new Turn());
    var watch = taken(watches);
    lines.deleted(ByteString.copyFromUtf8("other/"), key(1), 10);
    lines.deleted(PREFIX, key(1), 6);
    assertFalse(second.isDone());
    lines.deleted(PREFIX, key(1), 10);
    assertEquals(Turn.Came.AFTER_WAITING, came(second));
    watch.ended().toCompletableFuture().get(10, TimeUnit.SECONDS);
    assertEquals(0, lines.size());
  }

  @Test
  void whenTheLastWaiterLeavesTheWatchEnds() throws Exception {
    answers.add(range(9, false, record(1, 7), record(2, 8), record(3, 9)));
    var firstTurn = new Turn();
    var secondTurn = new Turn();
    var first = await(2, 8, firstTurn);
    var second = await(3, 9, secondTurn);
    var watch = taken(watches);
    firstTurn.cancel();
    assertEquals(Turn.Came.NEVER, came(first));
    assertFalse(watch.ended().toCompletableFuture().isDone());
    secondTurn.cancel();
    assertEquals(Turn.Came.NEVER, came(second));
    watch.ended().toCompletableFuture().get(10, TimeUnit.SECONDS);
    assertEquals(0, lines.size());
    var gone = new Turn();
    gone.cancel();
    assertEquals(Turn.Came.NEVER, came(await(2, 8, gone)));
    assertEquals(0, lines.size());
  }

  @Test
  void aWatchThatCannotGoOnIsBegunAnew() throws Exception {
    answers.add(range(9, false, record(1, 7), record(2, 8), record(3, 9)));
    var second = await(2, 8, new Turn());
    var third = await(3, 9, new Turn());
    var watch = taken(watches);
    answers.add(range(20, false, record(3, 9)));
    watch
        .responses()
        .offer(WatchResponse.newBuilder().setCanceled(true).setCompactRevision(15).build());
    assertEquals(Turn.Came.AFTER_WAITING, came(second));
    assertEquals(Turn.Came.AFTER_WAITING, came(third));
    assertEquals(2, ranges.size());
    assertEquals(0, lines.size());
  }

  @Test
  void whereThereAreMoreKeysThanAreHeldTheyAreReadAgain() throws Exception {
    answers.add(range(9, true, record(1, 7), record(2, 8)));
    var third = await(3, 9, new Turn());
    var watch = taken(watches);
    answers.add(range(11, false, record(3, 9)));
    watch.responses().offer(deleted(1, 10));
    watch.responses().offer(deleted(2, 11));
    assertEquals(Turn.Came.AFTER_WAITING, came(third));
    assertEquals(2, ranges.size());
  }

  @Test
  void aReadThatFailsFailsAllWhoWait() throws Exception {
    answers.add(CompletableFuture.failedFuture(new IllegalStateException("damaged")));
    assertEquals(EtcdError.CORRUPT.text(), failureOf(await(2, 8, new Turn())));
    assertEquals(0, lines.size());
    group.readExecutor =
        task -> {
          throw new RejectedExecutionException("full");
        };
    assertEquals("full", failureOf(await(2, 8, new Turn())));
    assertEquals(0, lines.size());
  }

  private static @Nullable String failureOf(CompletableFuture<Turn.Came> turn) {
    var failure = assertThrows(ExecutionException.class, () -> came(turn)).getCause();
    return failure == null ? null : failure.getMessage();
  }
}
