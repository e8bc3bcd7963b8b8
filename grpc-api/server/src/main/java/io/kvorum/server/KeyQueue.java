package io.kvorum.server;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.kvorum.actors.apply.Quota;
import io.kvorum.actors.group.Group;
import io.kvorum.actors.watch.ResponseChunk;
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
import io.kvorum.server.grpc.RpcFailure;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.Materializer;
import org.apache.pekko.stream.javadsl.Source;

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
  private final KeyLines lines;

  KeyQueue(Group group, Reads reads, Materializer materializer) {
    this.group = group;
    this.reads = reads;
    this.quota = new QuotaGuard(group);
    this.lines = new KeyLines(this, materializer);
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
    return RangeRequest.newBuilder()
        .setKey(prefix)
        .setRangeEnd(endOf(prefix))
        .setSortTarget(RangeRequest.SortTarget.CREATE)
        .setSortOrder(RangeRequest.SortOrder.ASCEND)
        .setLimit(1);
  }

  static RpcFailure failure(String text) {
    return new RpcFailure(Status.UNKNOWN.withDescription(text));
  }

  /** A prefix ends with a slash, so that there always is a next one. */
  private static ByteString endOf(ByteString prefix) {
    int last = prefix.size() - 1;
    return prefix.substring(0, last).concat(ByteString.copyFrom(new byte[] {'/' + 1}));
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
    return reads.linearizable(view -> view.range(built)).thenApply(this::ranged);
  }

  /** As this member has it, with a full header. */
  CompletionStage<RangeResponse> localRange(RangeRequest.Builder request) {
    RangeRequest built = request.build();
    return reads.local(view -> view.range(built)).thenApply(this::ranged);
  }

  private RangeResponse ranged(Outcome<RangeResponse.Builder> outcome) {
    RangeResponse.Builder range = orFail(outcome);
    return range.setHeader(group.header(range.getHeader().getRevision())).build();
  }

  /** A full header at the newest revision. */
  ResponseHeader header(long revision) {
    return group.header(revision);
  }

  <B> CompletionStage<B> propose(Command.Builder command, Class<B> reply) {
    return group.propose(command, reply).thenApply(KeyQueue::orFail);
  }

  /** Tells who waits on this member that it has applied the deletion of a key. */
  void deleted(ByteString key, long revision) {
    int slash = key.size() - 1;
    while (slash >= 0 && key.byteAt(slash) != '/') {
      slash--;
    }
    lines.deleted(key.substring(0, slash + 1), key, revision);
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

  /**
   * Waits until no key below the prefix is left that was created before the caller's own.
   *
   * @param created when the caller's own key was; this member has applied that
   */
  CompletionStage<Turn.Came> awaitTurn(ByteString prefix, ByteString key, long created, Turn turn) {
    return lines.await(prefix, key, created, turn);
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
