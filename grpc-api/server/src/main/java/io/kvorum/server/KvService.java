package io.kvorum.server;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.kvorum.actors.group.Group;
import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.CompactionRequest;
import io.kvorum.protocol.etcdserverpb.CompactionResponse;
import io.kvorum.protocol.etcdserverpb.DeleteRangeRequest;
import io.kvorum.protocol.etcdserverpb.DeleteRangeResponse;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.PutResponse;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import io.kvorum.protocol.etcdserverpb.RequestOp;
import io.kvorum.protocol.etcdserverpb.RequestOp.RequestCase;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import io.kvorum.protocol.etcdserverpb.TxnResponse;
import io.kvorum.protocol.internal.Command;
import io.kvorum.server.grpc.MethodName;
import io.kvorum.server.grpc.RpcMethod;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** {@code etcdserverpb.KV}: writes through the group's log, reads from its views. */
final class KvService {
  private static final String SERVICE = "etcdserverpb.KV";

  private final Group group;
  private final Reads reads;
  private final RequestChecks checks;
  private final RpcMetrics metrics;

  KvService(Group group, Reads reads, RequestChecks checks, RpcMetrics metrics) {
    this.group = group;
    this.reads = reads;
    this.checks = checks;
    this.metrics = metrics;
  }

  List<RpcMethod> methods() {
    return List.of(
        unary("Range", RangeRequest.parser(), RangeRequest::getSerializable, this::range),
        unary("Put", PutRequest.parser(), put -> false, this::put),
        unary("DeleteRange", DeleteRangeRequest.parser(), delete -> false, this::deleteRange),
        unary("Txn", TxnRequest.parser(), txn -> false, this::txn),
        unary("Compact", CompactionRequest.parser(), compaction -> false, this::compact));
  }

  private static <Q extends MessageLite, R extends MessageLite> RpcMethod unary(
      String name,
      Parser<Q> parser,
      Predicate<Q> servedByLearner,
      Function<Q, CompletionStage<Outcome<R>>> handler) {
    return new RpcMethod.Unary<>(new MethodName(SERVICE, name), parser, servedByLearner, handler);
  }

  private CompletionStage<Outcome<RangeResponse>> range(RangeRequest request) {
    EtcdError invalid = RequestChecks.range(request);
    if (invalid != null) {
      return refused(invalid);
    }
    long startNanos = System.nanoTime();
    return timed(
        RpcMetrics.ReadKind.RANGE,
        startNanos,
        reads.read(request.getSerializable(), view -> range(view, request)));
  }

  private Outcome<RangeResponse> range(ReadView view, RangeRequest request) {
    long startNanos = System.nanoTime();
    Outcome<RangeResponse> outcome =
        view.range(request)
            .map(range -> range.setHeader(group.header(range.getHeader().getRevision())).build());
    metrics.rangeExecuted(outcome instanceof Outcome.Ok, System.nanoTime() - startNanos);
    return outcome;
  }

  private CompletionStage<Outcome<PutResponse>> put(PutRequest request) {
    EtcdError invalid = RequestChecks.put(request);
    return invalid != null
        ? refused(invalid)
        : propose(
            Command.newBuilder().setPut(request),
            PutResponse.Builder.class,
            put -> put.setHeader(group.header(put.getHeader().getRevision())).build());
  }

  private CompletionStage<Outcome<DeleteRangeResponse>> deleteRange(DeleteRangeRequest request) {
    EtcdError invalid = RequestChecks.deleteRange(request);
    return invalid != null
        ? refused(invalid)
        : propose(
            Command.newBuilder().setDeleteRange(request),
            DeleteRangeResponse.Builder.class,
            delete -> delete.setHeader(group.header(delete.getHeader().getRevision())).build());
  }

  private CompletionStage<Outcome<TxnResponse>> txn(TxnRequest request) {
    EtcdError invalid = checks.txn(request);
    if (invalid != null) {
      return refused(invalid);
    }
    if (!ops(request).allMatch(op -> op.getRequestCase() == RequestCase.REQUEST_RANGE)) {
      return propose(
          Command.newBuilder().setTxn(request), TxnResponse.Builder.class, this::complete);
    }
    long startNanos = System.nanoTime();
    boolean serializable = ops(request).allMatch(op -> op.getRequestRange().getSerializable());
    return timed(
        RpcMetrics.ReadKind.READ_ONLY_TXN,
        startNanos,
        reads.read(serializable, view -> view.readOnlyTxn(request).map(this::complete)));
  }

  /** The operations of both branches; a nested transaction is one, and makes the whole a write. */
  private static Stream<RequestOp> ops(TxnRequest request) {
    return Stream.concat(request.getSuccessList().stream(), request.getFailureList().stream());
  }

  private TxnResponse complete(TxnResponse.Builder txn) {
    return txn.setHeader(group.header(txn.getHeader().getRevision())).build();
  }

  private CompletionStage<Outcome<CompactionResponse>> compact(CompactionRequest request) {
    CompletionStage<Outcome<CompactionResponse>> compacted =
        propose(
            Command.newBuilder().setCompaction(request),
            CompactionResponse.Builder.class,
            compaction ->
                compaction.setHeader(group.header(compaction.getHeader().getRevision())).build());
    return request.getPhysical() ? compacted.thenCompose(this::whenPhysical) : compacted;
  }

  /** The client asked to hear of a compaction only when nothing of it is left to do. */
  private CompletionStage<Outcome<CompactionResponse>> whenPhysical(
      Outcome<CompactionResponse> compacted) {
    return switch (compacted) {
      case Outcome.Ok<CompactionResponse> done ->
          group.physicalCompaction().thenApply(nothingLeft -> compacted);
      case Outcome.Refused<CompactionResponse> refused ->
          CompletableFuture.completedFuture(refused);
    };
  }

  private <B, R> CompletionStage<Outcome<R>> propose(
      Command.Builder command, Class<B> replyType, Function<B, R> complete) {
    return group.propose(command, replyType).thenApply(outcome -> outcome.map(complete));
  }

  private <R> CompletionStage<Outcome<R>> timed(
      RpcMetrics.ReadKind kind, long startNanos, CompletionStage<Outcome<R>> read) {
    return read.whenComplete(
        (@Nullable Outcome<R> outcome, @Nullable Throwable failure) ->
            metrics.readAnswered(
                kind, outcome instanceof Outcome.Ok, System.nanoTime() - startNanos));
  }

  private static <R> CompletionStage<Outcome<R>> refused(EtcdError error) {
    return CompletableFuture.completedFuture(Outcome.refused(error));
  }
}
