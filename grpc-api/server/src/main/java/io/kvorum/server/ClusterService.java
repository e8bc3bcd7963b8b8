package io.kvorum.server;

import io.kvorum.actors.group.Group;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.MemberListRequest;
import io.kvorum.protocol.etcdserverpb.MemberListResponse;
import io.kvorum.server.grpc.MethodName;
import io.kvorum.server.grpc.RpcMethod;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** {@code etcdserverpb.Cluster}: who the members are. Its headers carry no revision, as etcd's. */
final class ClusterService {
  private final Group group;

  ClusterService(Group group) {
    this.group = group;
  }

  List<RpcMethod> methods() {
    return List.of(
        new RpcMethod.Unary<>(
            new MethodName("etcdserverpb.Cluster", "MemberList"),
            MemberListRequest.parser(),
            list -> false,
            this::memberList));
  }

  private CompletionStage<Outcome<MemberListResponse>> memberList(MemberListRequest request) {
    return request.getLinearizable()
        ? group.linearizableBarrier().thenApply(barrier -> barrier.map(open -> members()))
        : CompletableFuture.completedFuture(Outcome.ok(members()));
  }

  private MemberListResponse members() {
    return MemberListResponse.newBuilder()
        .setHeader(group.header(0))
        .addAllMembers(group.status().members())
        .build();
  }
}
