package io.kvorum.server;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.grpc.Status;
import io.kvorum.actors.apply.Quota;
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
import io.kvorum.server.answers.Answers;
import io.kvorum.server.grpc.Answer;
import io.kvorum.server.grpc.MethodName;
import io.kvorum.server.grpc.RpcFailure;
import io.kvorum.server.grpc.RpcMethod;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * {@code etcdserverpb.KV}: writes through the group's log, reads from its views. Answers that may
 * be large go through {@link Answers}.
 */
final class KvService {
  private static final String SERVICE = "etcdserverpb.KV";

  private final Group group;
  private final Reads reads;
  private final Answers answers;
  private final RequestChecks checks;
  private final RpcMetrics metrics;
  private final QuotaGuard quota;

  KvService(Group group, Reads reads, Answers answers, RequestChecks checks, RpcMetrics metrics) {
    this.group = group;
    this.reads = reads;
    this.answers = answers;
    this.checks = checks;
    this.metrics = metrics;
    this.quota = new QuotaGuard(group);
  }

  List<RpcMethod> methods() {
    return List.of(
        encoded("Range", RangeRequest.parser(), RangeRequest::getSerializable, this::range),
        new RpcMethod.EncodedStream<>(
            new MethodName(SERVICE, "RangeStream"),
            RangeRequest.parser(),
            false,
            this::rangeStream),
        unary("Put", PutRequest.parser(), put -> quota.within(Quota.cost(put), () -> put(put))),
        encoded(
            "DeleteRange",
            DeleteRangeRequest.parser(),
            delete -> false,
            (delete, over) -> deleteRange(delete)),
        encoded(
            "Txn",
            TxnRequest.parser(),
            txn -> false,
            (txn, over) -> quota.within(Quota.cost(txn), () -> txn(txn, over))),
        unary("Compact", CompactionRequest.parser(), this::compact));
  }

  private static <Q extends MessageLite, R extends MessageLite> RpcMethod unary(
      String name, Parser<Q> parser, Function<Q, CompletionStage<Outcome<R>>> handler) {
    return new RpcMethod.Unary<>(new MethodName(SERVICE, name), parser, request -> false, handler);
  }

  private static <Q extends MessageLite> RpcMethod encoded(
      String name,
      Parser<Q> parser,
      Predicate<Q> servedByLearner,
      BiFunction<Q, BooleanSupplier, CompletionStage<Outcome<Answer>>> handler) {
    return new RpcMethod.EncodedUnary<>(
        new MethodName(SERVICE, name), parser, servedByLearner, handler);
  }

  private CompletionStage<Outcome<Answer>> range(RangeRequest request, BooleanSupplier over) {
    EtcdError invalid = RequestChecks.range(request);
    if (invalid != null) {
      return refused(invalid);
    }
    boolean inSteps = !request.getRangeEnd().isEmpty() && ReadView.isInKeyOrder(request);
    return timed(
        RpcMetrics.ReadKind.RANGE,
        System.nanoTime(),
        reads.begin(
            request.getSerializable(),
            () ->
                inSteps
                    ? executed(() -> answers.range(request, over))
                    : answers.whole(
                        firstBytes(request), over, maxBytes -> range(request, maxBytes))));
  }

  /** Of a single key there is no more than fits into a request. */
  private static long firstBytes(RangeRequest request) {
    return request.getRangeEnd().isEmpty() ? ReadView.maxAnswerBytes() : Answers.WHOLE_BYTES;
  }

  private Outcome<RangeResponse> range(RangeRequest request, long maxBytes) {
    long startNanos = System.nanoTime();
    try (ReadView view = group.view()) {
      Outcome<RangeResponse> outcome =
          view.range(request, maxBytes)
              .map(range -> range.setHeader(group.header(range.getHeader().getRevision())).build());
      metrics.rangeExecuted(outcome instanceof Outcome.Ok, System.nanoTime() - startNanos);
      return outcome;
    }
  }

  /** What a range takes until its answer begins to be sent. */
  private CompletionStage<Outcome<Answer>> executed(
      Supplier<CompletionStage<Outcome<Answer>>> range) {
    long startNanos = System.nanoTime();
    return range
        .get()
        .whenComplete(
            (@Nullable Outcome<Answer> outcome, @Nullable Throwable failure) ->
                metrics.rangeExecuted(
                    outcome instanceof Outcome.Ok, System.nanoTime() - startNanos));
  }

  private Source<ByteString, NotUsed> rangeStream(RangeRequest request) {
    Status invalid = RequestChecks.rangeStream(request);
    return invalid != null
        ? Source.failed(new RpcFailure(invalid))
        : Source.lazyCompletionStageSource(() -> opened(request))
            .mapMaterializedValue(opening -> NotUsed.getInstance());
  }

  private CompletionStage<Source<ByteString, NotUsed>> opened(RangeRequest request) {
    return reads
        .begin(
            request.getSerializable(),
            () -> CompletableFuture.completedFuture(answers.stream(request)))
        .thenApply(
            outcome ->
                switch (outcome) {
                  case Outcome.Ok<Source<ByteString, NotUsed>>(var messages) -> messages;
                  case Outcome.Refused<Source<ByteString, NotUsed>>(var error) ->
                      throw new RpcFailure(error.status());
                });
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

  private CompletionStage<Outcome<Answer>> deleteRange(DeleteRangeRequest request) {
    EtcdError invalid = RequestChecks.deleteRange(request);
    return invalid != null
        ? refused(invalid)
        : happened(
            propose(
                Command.newBuilder().setDeleteRange(request),
                DeleteRangeResponse.Builder.class,
                delete ->
                    delete.setHeader(group.header(delete.getHeader().getRevision())).build()));
  }

  private CompletionStage<Outcome<Answer>> happened(
      CompletionStage<? extends Outcome<? extends MessageLite>> applied) {
    return applied.thenApply(
        outcome ->
            switch (outcome) {
              case Outcome.Ok<? extends MessageLite>(var message) -> answers.happened(message);
              case Outcome.Refused<? extends MessageLite>(var error) -> Outcome.refused(error);
            });
  }

  private CompletionStage<Outcome<Answer>> txn(TxnRequest request, BooleanSupplier over) {
    EtcdError invalid = checks.txn(request);
    if (invalid != null) {
      return refused(invalid);
    }
    if (!ops(request).allMatch(op -> op.getRequestCase() == RequestCase.REQUEST_RANGE)) {
      return happened(
          propose(Command.newBuilder().setTxn(request), TxnResponse.Builder.class, this::complete));
    }
    boolean serializable = ops(request).allMatch(op -> op.getRequestRange().getSerializable());
    return timed(
        RpcMetrics.ReadKind.READ_ONLY_TXN,
        System.nanoTime(),
        reads.begin(
            serializable,
            () ->
                answers.whole(
                    Answers.WHOLE_BYTES, over, maxBytes -> readOnlyTxn(request, maxBytes))));
  }

  private Outcome<TxnResponse> readOnlyTxn(TxnRequest request, long maxBytes) {
    try (ReadView view = group.view()) {
      return view.readOnlyTxn(request, maxBytes).map(this::complete);
    }
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
