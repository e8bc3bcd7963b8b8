package io.kvorum.server;

import io.kvorum.actors.group.Group;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.Member;
import io.kvorum.protocol.etcdserverpb.MemberAddRequest;
import io.kvorum.protocol.etcdserverpb.MemberAddResponse;
import io.kvorum.protocol.etcdserverpb.MemberListRequest;
import io.kvorum.protocol.etcdserverpb.MemberListResponse;
import io.kvorum.protocol.etcdserverpb.MemberPromoteRequest;
import io.kvorum.protocol.etcdserverpb.MemberPromoteResponse;
import io.kvorum.protocol.etcdserverpb.MemberRemoveRequest;
import io.kvorum.protocol.etcdserverpb.MemberRemoveResponse;
import io.kvorum.protocol.etcdserverpb.MemberUpdateRequest;
import io.kvorum.protocol.etcdserverpb.MemberUpdateResponse;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.server.grpc.MethodName;
import io.kvorum.server.grpc.RpcMethod;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** {@code etcdserverpb.Cluster}: who the members are. Its headers carry no revision, as etcd's. */
final class ClusterService {
  private static final String SERVICE = "etcdserverpb.Cluster";

  private final Group group;

  ClusterService(Group group) {
    this.group = group;
  }

  List<RpcMethod> methods() {
    return List.of(
        new RpcMethod.Unary<>(
            new MethodName(SERVICE, "MemberAdd"),
            MemberAddRequest.parser(),
            add -> false,
            this::memberAdd),
        new RpcMethod.Unary<>(
            new MethodName(SERVICE, "MemberRemove"),
            MemberRemoveRequest.parser(),
            remove -> false,
            this::memberRemove),
        new RpcMethod.Unary<>(
            new MethodName(SERVICE, "MemberUpdate"),
            MemberUpdateRequest.parser(),
            update -> false,
            this::memberUpdate),
        new RpcMethod.Unary<>(
            new MethodName(SERVICE, "MemberList"),
            MemberListRequest.parser(),
            list -> false,
            this::memberList),
        new RpcMethod.Unary<>(
            new MethodName(SERVICE, "MemberPromote"),
            MemberPromoteRequest.parser(),
            promote -> false,
            this::memberPromote));
  }

  private CompletionStage<Outcome<MemberAddResponse>> memberAdd(MemberAddRequest request) {
    Optional<List<String>> urls = PeerUrls.parse(request.getPeerURLsList());
    if (urls.isEmpty()) {
      return CompletableFuture.completedFuture(Outcome.refused(EtcdError.MEMBER_BAD_UR_LS));
    }
    return group
        .members()
        .add(urls.get(), request.getIsLearner())
        .thenApply(
            outcome ->
                outcome.map(
                    added ->
                        MemberAddResponse.newBuilder()
                            .setHeader(header())
                            .setMember(added.member())
                            .addAllMembers(added.members())
                            .build()));
  }

  private CompletionStage<Outcome<MemberRemoveResponse>> memberRemove(MemberRemoveRequest request) {
    return group
        .members()
        .remove(new MemberId(request.getID()))
        .thenApply(
            outcome ->
                outcome.map(
                    members ->
                        MemberRemoveResponse.newBuilder()
                            .setHeader(header())
                            .addAllMembers(members)
                            .build()));
  }

  /** The URLs are taken as they are: etcd does not look at them here. */
  private CompletionStage<Outcome<MemberUpdateResponse>> memberUpdate(MemberUpdateRequest request) {
    return group
        .members()
        .update(new MemberId(request.getID()), request.getPeerURLsList())
        .thenApply(
            outcome ->
                outcome.map(
                    members ->
                        MemberUpdateResponse.newBuilder()
                            .setHeader(header())
                            .addAllMembers(members)
                            .build()));
  }

  private CompletionStage<Outcome<MemberPromoteResponse>> memberPromote(
      MemberPromoteRequest request) {
    return group
        .members()
        .promote(new MemberId(request.getID()))
        .thenApply(
            outcome ->
                outcome.map(
                    members ->
                        MemberPromoteResponse.newBuilder()
                            .setHeader(header())
                            .addAllMembers(members)
                            .build()));
  }

  private CompletionStage<Outcome<MemberListResponse>> memberList(MemberListRequest request) {
    return request.getLinearizable()
        ? group.linearizableBarrier().thenApply(barrier -> barrier.map(open -> memberList()))
        : CompletableFuture.completedFuture(Outcome.ok(memberList()));
  }

  private MemberListResponse memberList() {
    List<Member> members = group.status().members();
    return MemberListResponse.newBuilder().setHeader(header()).addAllMembers(members).build();
  }

  private ResponseHeader header() {
    return group.header(0);
  }
}
