package io.kvorum.server;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.etcdserverpb.Compare;
import io.kvorum.protocol.etcdserverpb.DeleteRangeRequest;
import io.kvorum.protocol.etcdserverpb.DeleteRangeResponse;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RequestOp;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import io.kvorum.protocol.etcdserverpb.TxnResponse;
import io.kvorum.protocol.internal.Command;
import io.kvorum.protocol.v3lockpb.LockRequest;
import io.kvorum.protocol.v3lockpb.LockResponse;
import io.kvorum.protocol.v3lockpb.UnlockRequest;
import io.kvorum.protocol.v3lockpb.UnlockResponse;
import io.kvorum.server.grpc.MethodName;
import io.kvorum.server.grpc.RpcMethod;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;

/** {@code v3lockpb.Lock} (etcd: client/v3/concurrency/mutex.go behind api/v3lock/lock.go). */
final class LockService {
  private static final String SERVICE = "v3lockpb.Lock";

  private final KeyQueue queue;

  LockService(KeyQueue queue) {
    this.queue = queue;
  }

  List<RpcMethod> methods() {
    return List.of(
        new RpcMethod.WaitingUnary<>(
            new MethodName(SERVICE, "Lock"), LockRequest.parser(), this::lock),
        new RpcMethod.WaitingUnary<>(
            new MethodName(SERVICE, "Unlock"), UnlockRequest.parser(), this::unlock));
  }

  private Source<LockResponse, NotUsed> lock(LockRequest request) {
    Turn turn = new Turn();
    return KeyQueue.response(
        queue
            .session(request.getLease())
            .thenCompose(lease -> lock(request.getName(), lease, turn)),
        turn);
  }

  private CompletionStage<LockResponse> lock(ByteString name, long lease, Turn turn) {
    ByteString prefix = KeyQueue.prefix(name);
    ByteString key = KeyQueue.key(name, lease);
    TxnRequest.Builder enqueue =
        TxnRequest.newBuilder()
            .addCompare(absent(key))
            .addSuccess(
                RequestOp.newBuilder()
                    .setRequestPut(PutRequest.newBuilder().setKey(key).setLease(lease)))
            .addFailure(
                RequestOp.newBuilder().setRequestRange(RangeRequest.newBuilder().setKey(key)));
    return queue.txn(enqueue).thenCompose(enqueued -> await(prefix, key, enqueued, turn));
  }

  static Compare.Builder absent(ByteString key) {
    return createdAt(key, 0);
  }

  static Compare.Builder createdAt(ByteString key, long revision) {
    return Compare.newBuilder()
        .setKey(key)
        .setTarget(Compare.CompareTarget.CREATE)
        .setResult(Compare.CompareResult.EQUAL)
        .setCreateRevision(revision);
  }

  /** Of the own key: by this call, or by an earlier one with the same lease. */
  static long created(TxnResponse enqueued) {
    return enqueued.getSucceeded()
        ? enqueued.getHeader().getRevision()
        : enqueued.getResponses(0).getResponseRange().getKvs(0).getCreateRevision();
  }

  private CompletionStage<LockResponse> await(
      ByteString prefix, ByteString key, TxnResponse enqueued, Turn turn) {
    return queue
        .awaitTurn(prefix, key, created(enqueued), turn)
        .thenCompose(
            came ->
                switch (came) {
                  case AT_ONCE ->
                      CompletableFuture.completedFuture(
                          Optional.of(response(enqueued.getHeader(), key)));
                  case AFTER_WAITING -> ifStillThere(key);
                  case NEVER -> throw KeyQueue.failure("context canceled");
                })
        .handle(
            (answer, failure) -> {
              if (failure != null) {
                // Whoever waits behind must not wait for one who does not want the lock any more.
                return delete(key)
                    .handle((gone, ignored) -> LockService.<LockResponse>rethrow(failure));
              }
              return CompletableFuture.completedFuture(
                  answer.orElseThrow(() -> KeyQueue.failure("mutex: session is expired")));
            })
        .thenCompose(answer -> answer);
  }

  private CompletionStage<Optional<LockResponse>> ifStillThere(ByteString key) {
    return queue
        .range(RangeRequest.newBuilder().setKey(key))
        .thenApply(
            own ->
                own.getKvsCount() == 0
                    ? Optional.empty()
                    : Optional.of(response(own.getHeader(), key)));
  }

  private static <T> T rethrow(Throwable failure) {
    throw failure instanceof RuntimeException known
        ? known
        : new IllegalStateException("waiting for a lock failed", failure);
  }

  private static LockResponse response(ResponseHeader header, ByteString key) {
    return LockResponse.newBuilder().setHeader(header).setKey(key).build();
  }

  private Source<UnlockResponse, NotUsed> unlock(UnlockRequest request) {
    if (request.getKey().isEmpty()) {
      return Source.failed(KeyQueue.failure(EtcdError.EMPTY_KEY.text()));
    }
    return Source.completionStage(
        delete(request.getKey())
            .thenApply(
                deleted ->
                    UnlockResponse.newBuilder()
                        .setHeader(queue.header(deleted.getHeader().getRevision()))
                        .build()));
  }

  private CompletionStage<DeleteRangeResponse.Builder> delete(ByteString key) {
    return queue
        .propose(
            Command.newBuilder().setDeleteRange(DeleteRangeRequest.newBuilder().setKey(key)),
            DeleteRangeResponse.Builder.class)
        .thenApply(
            deleted -> {
              if (deleted.getDeleted() > 0) {
                queue.deleted(key, deleted.getHeader().getRevision());
              }
              return deleted;
            });
  }
}
