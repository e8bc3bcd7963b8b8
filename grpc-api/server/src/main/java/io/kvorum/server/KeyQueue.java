package io.kvorum.server;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.kvorum.actors.apply.Quota;
import io.kvorum.actors.group.Group;
import io.kvorum.actors.watch.ResponseChunk;
import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.LeaseGrantResponse;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import io.kvorum.protocol.etcdserverpb.TxnResponse;
import io.kvorum.protocol.etcdserverpb.WatchCreateRequest;
import io.kvorum.protocol.etcdserverpb.WatchRequest;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import io.kvorum.protocol.internal.Command;
import io.kvorum.protocol.mvccpb.Event;
import io.kvorum.server.grpc.RpcFailure;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.apache.pekko.Done;
import org.apache.pekko.NotUsed;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.stream.KillSwitches;
import org.apache.pekko.stream.Materializer;
import org.apache.pekko.stream.UniqueKillSwitch;
import org.apache.pekko.stream.javadsl.Keep;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;
import org.jspecify.annotations.Nullable;

/**
 * The recipe below locks and elections (etcd: client/v3/concurrency): whoever wants its turn puts a
 * key below a common prefix, named after its lease, and the key that was created first has it. All
 * state is in the keyspace, so that clients which follow the recipe by themselves queue up with
 * those that ask the services.
 *
 * <p>Stages fail with an {@link RpcFailure} of code UNKNOWN, whatever the cause: in etcd these
 * services are clients of the others, and the errors that they pass on have lost their codes.
 */
final class KeyQueue {
  /** Of the lease that a caller gets who names none; nobody keeps it alive. */
  private static final long SESSION_SECONDS = 60;

  private final Group group;
  private final Reads reads;
  private final QuotaGuard quota;
  private final Materializer materializer;

  KeyQueue(Group group, Reads reads, Materializer materializer) {
    this.group = group;
    this.reads = reads;
    this.quota = new QuotaGuard(group);
    this.materializer = materializer;
  }

  static ByteString prefix(ByteString name) {
    return name.concat(ByteString.copyFromUtf8("/"));
  }

  /** Hexadecimal in Go's way: a negative number has a sign. */
  static ByteString key(ByteString name, long lease) {
    String hex = lease < 0 ? "-" + Long.toHexString(-lease) : Long.toHexString(lease);
    return prefix(name).concat(ByteString.copyFromUtf8(hex));
  }

  /** The key below the prefix that was created first. */
  static RangeRequest.Builder oldest(ByteString prefix) {
    return below(prefix).setSortOrder(RangeRequest.SortOrder.ASCEND);
  }

  private static RangeRequest.Builder below(ByteString prefix) {
    return RangeRequest.newBuilder()
        .setKey(prefix)
        .setRangeEnd(endOf(prefix))
        .setSortTarget(RangeRequest.SortTarget.CREATE)
        .setLimit(1);
  }

  /** A prefix ends with a slash, so that there always is a next one. */
  private static ByteString endOf(ByteString prefix) {
    int last = prefix.size() - 1;
    return prefix.substring(0, last).concat(ByteString.copyFrom(new byte[] {'/' + 1}));
  }

  static RpcFailure failure(String text) {
    return new RpcFailure(Status.UNKNOWN.withDescription(text));
  }

  private static <T> T orFail(Outcome<T> outcome) {
    return switch (outcome) {
      case Outcome.Ok<T>(var value) -> value;
      case Outcome.Refused<T>(var error) -> throw failure(error.text());
    };
  }

  /** The lease given, or a new one. */
  CompletionStage<Long> session(long lease) {
    return lease != 0
        ? CompletableFuture.completedFuture(lease)
        : group
            .leases()
            .grant(SESSION_SECONDS, 0)
            .thenApply(KeyQueue::orFail)
            .thenApply(LeaseGrantResponse.Builder::getID);
  }

  /** With a full header. */
  CompletionStage<TxnResponse> txn(TxnRequest.Builder request) {
    TxnRequest built = request.build();
    return quota
        .within(
            Quota.cost(built),
            () -> group.propose(Command.newBuilder().setTxn(built), TxnResponse.Builder.class))
        .thenApply(KeyQueue::orFail)
        .thenApply(txn -> txn.setHeader(group.header(txn.getHeader().getRevision())).build());
  }

  /** Linearizable, with a full header. */
  CompletionStage<RangeResponse> range(RangeRequest.Builder request) {
    RangeRequest built = request.build();
    return linearizable(view -> range(view, built));
  }

  private <T> CompletionStage<T> linearizable(Function<ReadView, T> read) {
    return reads.linearizable(view -> Outcome.ok(read.apply(view))).thenApply(KeyQueue::orFail);
  }

  private RangeResponse range(ReadView view, RangeRequest request) {
    RangeResponse.Builder range = orFail(view.range(request));
    return range.setHeader(group.header(range.getHeader().getRevision())).build();
  }

  /** A full header at the newest revision. */
  ResponseHeader header(long revision) {
    return group.header(revision);
  }

  <B> CompletionStage<B> propose(Command.Builder command, Class<B> reply) {
    return group.propose(command, reply).thenApply(KeyQueue::orFail);
  }

  /** What happens to a key, or to all below a prefix, from a revision on. */
  Source<WatchResponse, NotUsed> watch(ByteString key, boolean prefix, long fromRevision) {
    WatchCreateRequest.Builder create =
        WatchCreateRequest.newBuilder().setKey(key).setStartRevision(fromRevision);
    if (prefix) {
      create.setRangeEnd(endOf(key));
    }
    return group
        .watch(Source.single(WatchRequest.newBuilder().setCreateRequest(create).build()))
        .mapConcat(ResponseChunk::read);
  }

  /** A call that waits for its turn, until the client does not any more. */
  static final class Turn {
    private static final Runnable OVER = () -> {};
    private final AtomicReference<@Nullable Runnable> stop = new AtomicReference<>();

    /** The client has gone: what waits now, or later, ends at once. */
    void cancel() {
      Runnable waiting = stop.getAndSet(OVER);
      if (waiting != null) {
        waiting.run();
      }
    }

    boolean isCancelled() {
      return stop.get() == OVER;
    }

    private void waits(Runnable end) {
      Runnable before = stop.get();
      if (before == OVER || !stop.compareAndSet(before, end)) {
        end.run();
      }
    }
  }

  /** Who is right before a caller, and the caller's own key, at one moment. */
  private record Place(RangeResponse before, RangeResponse own) {}

  /**
   * Waits until no key below the prefix is left that was created at or before a revision: for the
   * newest of them first, so that each who waits is woken by the one right before it.
   *
   * @return the caller's own key when it came to that; nothing if the turn was cancelled
   */
  CompletionStage<Optional<RangeResponse>> awaitTurn(
      ByteString prefix, ByteString key, long lastCreated, Turn turn) {
    if (turn.isCancelled()) {
      return CompletableFuture.completedFuture(Optional.empty());
    }
    RangeRequest before =
        below(prefix)
            .setSortOrder(RangeRequest.SortOrder.DESCEND)
            .setMaxCreateRevision(lastCreated)
            .build();
    RangeRequest own = RangeRequest.newBuilder().setKey(key).build();
    return linearizable(view -> new Place(range(view, before), range(view, own)))
        .thenCompose(
            place ->
                place.before().getKvsCount() == 0
                    ? CompletableFuture.completedFuture(Optional.of(place.own()))
                    : awaitChange(
                            place.before().getKvs(0).getKey(),
                            place.before().getHeader().getRevision() + 1,
                            turn)
                        .thenCompose(ended -> awaitTurn(prefix, key, lastCreated, turn)));
  }

  /**
   * Until the key is deleted, or the watch cannot go on. Who waits goes on where the event is seen:
   * the stage of a stream that ends would first change to another thread pool.
   */
  private CompletionStage<Done> awaitChange(ByteString key, long fromRevision, Turn turn) {
    CompletableFuture<Done> changed = new CompletableFuture<>();
    Pair<UniqueKillSwitch, CompletionStage<Done>> running =
        watch(key, false, fromRevision)
            .viaMat(KillSwitches.single(), Keep.right())
            .filter(response -> response.getCanceled() || deletes(response))
            .take(1)
            .toMat(Sink.foreach(response -> changed.complete(Done.getInstance())), Keep.both())
            .run(materializer);
    running
        .second()
        .whenComplete(
            (done, failure) -> {
              if (failure == null) {
                changed.complete(done);
              } else {
                changed.completeExceptionally(failure);
              }
            });
    turn.waits(running.first()::shutdown);
    return changed;
  }

  private static boolean deletes(WatchResponse response) {
    return response.getEventsList().stream()
        .anyMatch(event -> event.getType() == Event.EventType.DELETE);
  }

  /** A response that the client may stop to wait for. */
  static <R> Source<R, NotUsed> response(CompletionStage<R> response, Turn turn) {
    return Source.completionStage(response)
        .watchTermination(
            (ignored, done) -> {
              done.whenComplete((end, failure) -> turn.cancel());
              return NotUsed.getInstance();
            });
  }
}
