package io.kvorum.server;

import io.grpc.Status;
import io.kvorum.actors.group.Group;
import io.kvorum.actors.group.GroupStatus;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.AlarmRequest;
import io.kvorum.protocol.etcdserverpb.AlarmResponse;
import io.kvorum.protocol.etcdserverpb.DowngradeInfo;
import io.kvorum.protocol.etcdserverpb.MoveLeaderRequest;
import io.kvorum.protocol.etcdserverpb.MoveLeaderResponse;
import io.kvorum.protocol.etcdserverpb.StatusRequest;
import io.kvorum.protocol.etcdserverpb.StatusResponse;
import io.kvorum.server.grpc.MethodName;
import io.kvorum.server.grpc.RpcFailure;
import io.kvorum.server.grpc.RpcMethod;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * {@code etcdserverpb.Maintenance}: what this member knows of itself, without asking the others,
 * and who leads.
 */
final class MaintenanceService {
  private final Group group;
  private final long quotaBytes;

  MaintenanceService(Group group, long quotaBytes) {
    this.group = group;
    this.quotaBytes = quotaBytes;
  }

  List<RpcMethod> methods() {
    return List.of(
        new RpcMethod.Unary<>(
            new MethodName("etcdserverpb.Maintenance", "Status"),
            StatusRequest.parser(),
            status -> true,
            this::status),
        new RpcMethod.Unary<>(
            new MethodName("etcdserverpb.Maintenance", "Alarm"),
            AlarmRequest.parser(),
            alarm -> false,
            this::alarm),
        new RpcMethod.Unary<>(
            new MethodName("etcdserverpb.Maintenance", "MoveLeader"),
            MoveLeaderRequest.parser(),
            move -> false,
            this::moveLeader));
  }

  /**
   * No alarm can be raised in this version of the server, so there are none to list; {@code etcdctl
   * endpoint health} asks. Like etcd's, the list needs a quorum.
   */
  private CompletionStage<Outcome<AlarmResponse>> alarm(AlarmRequest request) {
    if (request.getAction() != AlarmRequest.AlarmAction.GET) {
      throw new RpcFailure(
          Status.UNIMPLEMENTED.withDescription(
              "kvorum: raising and clearing alarms is not supported yet"));
    }
    return group
        .linearizableBarrier()
        .thenApply(
            barrier ->
                barrier.map(
                    open ->
                        AlarmResponse.newBuilder()
                            .setHeader(group.header(group.status().currentRevision()))
                            .build()));
  }

  /** Its answer has no header, as etcd's. */
  private CompletionStage<Outcome<MoveLeaderResponse>> moveLeader(MoveLeaderRequest request) {
    return group
        .members()
        .moveLeader(new MemberId(request.getTargetID()))
        .thenApply(outcome -> outcome.map(done -> MoveLeaderResponse.getDefaultInstance()));
  }

  private CompletionStage<Outcome<StatusResponse>> status(StatusRequest request) {
    GroupStatus status = group.status();
    StatusResponse.Builder response =
        StatusResponse.newBuilder()
            .setHeader(group.header(status.currentRevision()))
            .setVersion(EtcdVersion.SERVER)
            .setDbSize(status.dbSizeBytes())
            .setDbSizeInUse(status.dbSizeInUseBytes())
            .setDbSizeQuota(quotaBytes)
            .setLeader(status.leader().value())
            // raftIndex is the committed index, not the last one (etcd's Status).
            .setRaftIndex(status.committedIndex())
            .setRaftAppliedIndex(status.appliedIndex())
            .setRaftTerm(status.term())
            .setIsLearner(status.learner())
            // Follows the cluster version, and is empty until that is known.
            .setStorageVersion(status.clusterVersion())
            .setDowngradeInfo(DowngradeInfo.getDefaultInstance());
    if (status.leader().equals(MemberId.NONE)) {
      response.addErrors(EtcdError.NO_LEADER.text());
    }
    return CompletableFuture.completedFuture(Outcome.ok(response.build()));
  }
}
