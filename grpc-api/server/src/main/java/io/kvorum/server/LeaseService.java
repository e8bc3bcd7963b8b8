package io.kvorum.server;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.kvorum.actors.apply.Quota;
import io.kvorum.actors.group.Group;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.LeaseGrantRequest;
import io.kvorum.protocol.etcdserverpb.LeaseGrantResponse;
import io.kvorum.protocol.etcdserverpb.LeaseKeepAliveRequest;
import io.kvorum.protocol.etcdserverpb.LeaseKeepAliveResponse;
import io.kvorum.protocol.etcdserverpb.LeaseLeasesRequest;
import io.kvorum.protocol.etcdserverpb.LeaseLeasesResponse;
import io.kvorum.protocol.etcdserverpb.LeaseRevokeRequest;
import io.kvorum.protocol.etcdserverpb.LeaseRevokeResponse;
import io.kvorum.protocol.etcdserverpb.LeaseStatus;
import io.kvorum.protocol.etcdserverpb.LeaseTimeToLiveRequest;
import io.kvorum.protocol.etcdserverpb.LeaseTimeToLiveResponse;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.server.grpc.ElementFraming;
import io.kvorum.server.grpc.MethodName;
import io.kvorum.server.grpc.RpcFailure;
import io.kvorum.server.grpc.RpcMethod;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;

/** {@code etcdserverpb.Lease}. */
final class LeaseService {
  private static final String SERVICE = "etcdserverpb.Lease";

  /** Renewals of one stream that may be under way; the client is held back beyond. */
  private static final int PIPELINED = 64;

  private final Group group;
  private final QuotaGuard quota;

  LeaseService(Group group) {
    this.group = group;
    this.quota = new QuotaGuard(group);
  }

  List<RpcMethod> methods() {
    return List.of(
        unary(
            "LeaseGrant",
            LeaseGrantRequest.parser(),
            grant -> quota.within(Quota.LEASE_BYTES, () -> grant(grant))),
        unary("LeaseRevoke", LeaseRevokeRequest.parser(), this::revoke),
        unary("LeaseTimeToLive", LeaseTimeToLiveRequest.parser(), this::timeToLive),
        unary("LeaseLeases", LeaseLeasesRequest.parser(), this::leases),
        new RpcMethod.BidiStream<>(
            new MethodName(SERVICE, "LeaseKeepAlive"),
            LeaseKeepAliveRequest.parser(),
            ElementFraming.ofMessages(),
            true,
            this::keepAlive));
  }

  private static <Q extends MessageLite, R extends MessageLite> RpcMethod unary(
      String name, Parser<Q> parser, Function<Q, CompletionStage<Outcome<R>>> handler) {
    return new RpcMethod.Unary<>(new MethodName(SERVICE, name), parser, request -> false, handler);
  }

  private CompletionStage<Outcome<LeaseGrantResponse>> grant(LeaseGrantRequest request) {
    return group
        .leases()
        .grant(request.getTTL(), request.getID())
        .thenApply(
            outcome ->
                outcome.map(
                    grant ->
                        grant.setHeader(group.header(grant.getHeader().getRevision())).build()));
  }

  private CompletionStage<Outcome<LeaseRevokeResponse>> revoke(LeaseRevokeRequest request) {
    return group
        .leases()
        .revoke(request.getID())
        .thenApply(
            outcome ->
                outcome.map(
                    revoke ->
                        revoke.setHeader(group.header(revoke.getHeader().getRevision())).build()));
  }

  private CompletionStage<Outcome<LeaseTimeToLiveResponse>> timeToLive(
      LeaseTimeToLiveRequest request) {
    return group
        .leases()
        .timeToLive(request.getID(), request.getKeys())
        .thenApply(
            outcome ->
                outcome.map(
                    left ->
                        LeaseTimeToLiveResponse.newBuilder()
                            .setHeader(group.header())
                            .setID(request.getID())
                            .setTTL(left.seconds())
                            .setGrantedTTL(left.grantedSeconds())
                            .addAllKeys(left.keys())
                            .build()));
  }

  private CompletionStage<Outcome<LeaseLeasesResponse>> leases(LeaseLeasesRequest request) {
    return group
        .leases()
        .list()
        .thenApply(
            ids -> {
              LeaseLeasesResponse.Builder response =
                  LeaseLeasesResponse.newBuilder().setHeader(group.header());
              ids.forEach(id -> response.addLeases(LeaseStatus.newBuilder().setID(id)));
              return Outcome.ok(response.build());
            });
  }

  /**
   * One response per request, in order; the header is of the time before the renewal, as etcd's.
   */
  private Source<LeaseKeepAliveResponse, NotUsed> keepAlive(
      Source<LeaseKeepAliveRequest, NotUsed> requests) {
    return requests.mapAsync(PIPELINED, this::renew);
  }

  private CompletionStage<LeaseKeepAliveResponse> renew(LeaseKeepAliveRequest request) {
    ResponseHeader header = group.header();
    return group
        .leases()
        .renew(request.getID())
        .thenApply(
            outcome ->
                switch (outcome) {
                  case Outcome.Ok<Long>(var ttl) ->
                      LeaseKeepAliveResponse.newBuilder()
                          .setHeader(header)
                          .setID(request.getID())
                          .setTTL(ttl)
                          .build();
                  case Outcome.Refused<Long>(var error) -> throw new RpcFailure(error.status());
                });
  }
}
