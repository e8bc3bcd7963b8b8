package io.kvorum.server;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.etcdserverpb.DeleteRangeRequest;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RequestOp;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import io.kvorum.protocol.etcdserverpb.TxnResponse;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import io.kvorum.protocol.mvccpb.Event;
import io.kvorum.protocol.mvccpb.KeyValue;
import io.kvorum.protocol.v3electionpb.CampaignRequest;
import io.kvorum.protocol.v3electionpb.CampaignResponse;
import io.kvorum.protocol.v3electionpb.LeaderKey;
import io.kvorum.protocol.v3electionpb.LeaderRequest;
import io.kvorum.protocol.v3electionpb.LeaderResponse;
import io.kvorum.protocol.v3electionpb.ProclaimRequest;
import io.kvorum.protocol.v3electionpb.ProclaimResponse;
import io.kvorum.protocol.v3electionpb.ResignRequest;
import io.kvorum.protocol.v3electionpb.ResignResponse;
import io.kvorum.server.grpc.MethodName;
import io.kvorum.server.grpc.RpcMethod;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;

/**
 * {@code v3electionpb.Election} (etcd: client/v3/concurrency/election.go behind
 * api/v3election/election.go).
 */
final class ElectionService {
  private static final String SERVICE = "v3electionpb.Election";
  private static final String LEADER_MISSING = "\"leader\" field must be provided";

  private final KeyQueue queue;

  ElectionService(KeyQueue queue) {
    this.queue = queue;
  }

  List<RpcMethod> methods() {
    return List.of(
        new RpcMethod.WaitingUnary<>(
            new MethodName(SERVICE, "Campaign"), CampaignRequest.parser(), this::campaign),
        new RpcMethod.WaitingUnary<>(
            new MethodName(SERVICE, "Proclaim"), ProclaimRequest.parser(), this::proclaim),
        new RpcMethod.WaitingUnary<>(
            new MethodName(SERVICE, "Leader"), LeaderRequest.parser(), this::leader),
        new RpcMethod.WaitingUnary<>(
            new MethodName(SERVICE, "Resign"), ResignRequest.parser(), this::resign),
        new RpcMethod.ServerStream<>(
            new MethodName(SERVICE, "Observe"), LeaderRequest.parser(), false, this::observe));
  }

  private Source<CampaignResponse, NotUsed> campaign(CampaignRequest request) {
    Turn turn = new Turn();
    return KeyQueue.response(
        queue
            .session(request.getLease())
            .thenCompose(
                lease -> {
                  LeaderKey.Builder key =
                      LeaderKey.newBuilder()
                          .setName(request.getName())
                          .setKey(KeyQueue.key(request.getName(), lease))
                          .setLease(lease);
                  return campaign(key, request.getValue(), turn);
                }),
        turn);
  }

  private CompletionStage<CampaignResponse> campaign(
      LeaderKey.Builder key, ByteString value, Turn turn) {
    TxnRequest.Builder enqueue =
        TxnRequest.newBuilder()
            .addCompare(LockService.absent(key.getKey()))
            .addSuccess(put(key, value))
            .addFailure(
                RequestOp.newBuilder()
                    .setRequestRange(RangeRequest.newBuilder().setKey(key.getKey())));
    return queue
        .txn(enqueue)
        .thenCompose(
            enqueued -> {
              LeaderKey own = key.setRev(LockService.created(enqueued)).build();
              return withValue(enqueued, own, value)
                  .thenCompose(
                      ready ->
                          queue.awaitTurn(
                              KeyQueue.prefix(own.getName()), own.getKey(), own.getRev(), turn))
                  .thenCompose(
                      came ->
                          came != Turn.Came.NEVER
                              ? CompletableFuture.completedFuture(
                                  CampaignResponse.newBuilder()
                                      .setHeader(enqueued.getHeader())
                                      .setLeader(own)
                                      .build())
                              : withdrawn(own));
            });
  }

  private static RequestOp.Builder put(LeaderKey.Builder key, ByteString value) {
    return RequestOp.newBuilder()
        .setRequestPut(
            PutRequest.newBuilder().setKey(key.getKey()).setValue(value).setLease(key.getLease()));
  }

  /** Who is in the queue already may want another value. */
  private CompletionStage<ResponseHeader> withValue(
      TxnResponse enqueued, LeaderKey own, ByteString value) {
    boolean asWanted =
        enqueued.getSucceeded()
            || enqueued.getResponses(0).getResponseRange().getKvs(0).getValue().equals(value);
    return asWanted
        ? CompletableFuture.completedFuture(enqueued.getHeader())
        : proclaim(own, value);
  }

  private CompletionStage<CampaignResponse> withdrawn(LeaderKey own) {
    return resign(own)
        .thenApply(
            gone -> {
              throw KeyQueue.failure("context canceled");
            });
  }

  private Source<ProclaimResponse, NotUsed> proclaim(ProclaimRequest request) {
    if (!request.hasLeader()) {
      return Source.failed(KeyQueue.failure(LEADER_MISSING));
    }
    return Source.completionStage(
        proclaim(request.getLeader(), request.getValue())
            .thenApply(header -> ProclaimResponse.newBuilder().setHeader(header).build()));
  }

  private CompletionStage<ResponseHeader> proclaim(LeaderKey own, ByteString value) {
    return queue
        .txn(
            TxnRequest.newBuilder()
                .addCompare(LockService.createdAt(own.getKey(), own.getRev()))
                .addSuccess(put(own.toBuilder(), value)))
        .thenApply(
            txn -> {
              if (!txn.getSucceeded()) {
                throw KeyQueue.failure("election: not leader");
              }
              return txn.getHeader();
            });
  }

  private Source<ResignResponse, NotUsed> resign(ResignRequest request) {
    if (!request.hasLeader()) {
      return Source.failed(KeyQueue.failure(LEADER_MISSING));
    }
    return Source.completionStage(
        resign(request.getLeader())
            .thenApply(header -> ResignResponse.newBuilder().setHeader(header).build()));
  }

  private CompletionStage<ResponseHeader> resign(LeaderKey own) {
    return queue
        .txn(
            TxnRequest.newBuilder()
                .addCompare(LockService.createdAt(own.getKey(), own.getRev()))
                .addSuccess(
                    RequestOp.newBuilder()
                        .setRequestDeleteRange(
                            DeleteRangeRequest.newBuilder().setKey(own.getKey()))))
        .thenApply(
            txn -> {
              if (txn.getSucceeded()) {
                queue.deleted(own.getKey(), txn.getHeader().getRevision());
              }
              return txn.getHeader();
            });
  }

  private Source<LeaderResponse, NotUsed> leader(LeaderRequest request) {
    return Source.completionStage(
        queue
            .range(KeyQueue.oldest(KeyQueue.prefix(request.getName())))
            .thenApply(
                range -> {
                  if (range.getKvsCount() == 0) {
                    throw KeyQueue.failure("election: no leader");
                  }
                  return leaderResponse(range.getHeader(), range.getKvs(0));
                }));
  }

  private static LeaderResponse leaderResponse(ResponseHeader header, KeyValue record) {
    return LeaderResponse.newBuilder().setHeader(header).setKv(record).build();
  }

  /**
   * The present leader's record, then each of its later ones, and when its key is gone the same of
   * the next leader.
   */
  private Source<LeaderResponse, NotUsed> observe(LeaderRequest request) {
    ByteString prefix = KeyQueue.prefix(request.getName());
    return Source.repeat(prefix).flatMapConcat(this::observeOne);
  }

  private Source<LeaderResponse, NotUsed> observeOne(ByteString prefix) {
    return Source.completionStage(queue.range(KeyQueue.oldest(prefix)))
        .mapMaterializedValue(ignored -> NotUsed.getInstance())
        .flatMapConcat(
            found ->
                found.getKvsCount() > 0
                    ? Source.single(leaderResponse(found.getHeader(), found.getKvs(0)))
                    : firstPut(prefix, found.getHeader().getRevision() + 1))
        .flatMapConcat(
            first ->
                Source.single(first)
                    .concat(
                        laterValues(first.getKv().getKey(), first.getHeader().getRevision() + 1)));
  }

  private Source<LeaderResponse, NotUsed> firstPut(ByteString prefix, long fromRevision) {
    return events(queue.watch(prefix, true, fromRevision))
        .filter(change -> change.event().getType() == Event.EventType.PUT)
        .take(1)
        .map(
            change ->
                leaderResponse(
                    change.header().toBuilder()
                        .setRevision(change.event().getKv().getModRevision())
                        .build(),
                    change.event().getKv()));
  }

  private Source<LeaderResponse, NotUsed> laterValues(ByteString key, long fromRevision) {
    return events(queue.watch(key, false, fromRevision))
        .takeWhile(change -> change.event().getType() == Event.EventType.PUT)
        .map(change -> leaderResponse(change.header(), change.event().getKv()));
  }

  private record Change(ResponseHeader header, Event event) {}

  /** Ends where the watch cannot go on, such as behind a compaction: then we look anew. */
  private static Source<Change, NotUsed> events(Source<WatchResponse, NotUsed> responses) {
    return responses
        .takeWhile(response -> !response.getCanceled())
        .mapConcat(
            response ->
                response.getEventsList().stream()
                    .map(event -> new Change(response.getHeader(), event))
                    .toList());
  }
}
