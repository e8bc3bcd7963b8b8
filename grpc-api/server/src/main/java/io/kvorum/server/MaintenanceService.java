package io.kvorum.server;

import io.kvorum.actors.group.Alarms;
import io.kvorum.actors.group.Group;
import io.kvorum.actors.group.GroupStatus;
import io.kvorum.actors.group.Maintenance;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.AlarmMember;
import io.kvorum.protocol.etcdserverpb.AlarmRequest;
import io.kvorum.protocol.etcdserverpb.AlarmResponse;
import io.kvorum.protocol.etcdserverpb.DefragmentRequest;
import io.kvorum.protocol.etcdserverpb.DefragmentResponse;
import io.kvorum.protocol.etcdserverpb.DowngradeInfo;
import io.kvorum.protocol.etcdserverpb.DowngradeRequest;
import io.kvorum.protocol.etcdserverpb.HashKVRequest;
import io.kvorum.protocol.etcdserverpb.HashKVResponse;
import io.kvorum.protocol.etcdserverpb.HashRequest;
import io.kvorum.protocol.etcdserverpb.HashResponse;
import io.kvorum.protocol.etcdserverpb.MoveLeaderRequest;
import io.kvorum.protocol.etcdserverpb.MoveLeaderResponse;
import io.kvorum.protocol.etcdserverpb.SnapshotRequest;
import io.kvorum.protocol.etcdserverpb.SnapshotResponse;
import io.kvorum.protocol.etcdserverpb.StatusRequest;
import io.kvorum.protocol.etcdserverpb.StatusResponse;
import io.kvorum.protocol.internal.Command;
import io.kvorum.server.grpc.MethodName;
import io.kvorum.server.grpc.RpcMethod;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;

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
            new MethodName("etcdserverpb.Maintenance", "Downgrade"),
            DowngradeRequest.parser(),
            downgrade -> false,
            new DowngradeService(group)::downgrade),
        new RpcMethod.Unary<>(
            new MethodName("etcdserverpb.Maintenance", "MoveLeader"),
            MoveLeaderRequest.parser(),
            move -> false,
            this::moveLeader),
        new RpcMethod.Unary<>(
            new MethodName("etcdserverpb.Maintenance", "HashKV"),
            HashKVRequest.parser(),
            hash -> false,
            this::hashKv),
        new RpcMethod.Unary<>(
            new MethodName("etcdserverpb.Maintenance", "Hash"),
            HashRequest.parser(),
            hash -> false,
            this::hash),
        new RpcMethod.Unary<>(
            new MethodName("etcdserverpb.Maintenance", "Defragment"),
            DefragmentRequest.parser(),
            defragment -> false,
            this::defragment),
        new RpcMethod.ServerStream<>(
            new MethodName("etcdserverpb.Maintenance", "Snapshot"),
            SnapshotRequest.parser(),
            true,
            this::snapshot));
  }

  private CompletionStage<Outcome<HashKVResponse>> hashKv(HashKVRequest request) {
    return group
        .maintenance()
        .hashOfRecords(request.getRevision())
        .thenApply(
            outcome ->
                outcome.map(
                    hashed ->
                        HashKVResponse.newBuilder()
                            .setHeader(group.header(hashed.currentRevision()))
                            .setHash(hashed.hash().crc32c())
                            .setCompactRevision(hashed.hash().compactedRevision())
                            .setHashRevision(hashed.hash().revision())
                            .build()));
  }

  private CompletionStage<Outcome<HashResponse>> hash(HashRequest request) {
    return group
        .maintenance()
        .hashOfAll()
        .thenApply(
            outcome ->
                outcome.map(
                    hashed ->
                        HashResponse.newBuilder()
                            .setHeader(group.header(hashed.currentRevision()))
                            .setHash(hashed.hash())
                            .build()));
  }

  /** Its answer has no header, as etcd's. */
  private CompletionStage<Outcome<DefragmentResponse>> defragment(DefragmentRequest request) {
    return group
        .maintenance()
        .defragment()
        .thenApply(outcome -> outcome.map(done -> DefragmentResponse.getDefaultInstance()));
  }

  /** Its messages have no header, as etcd's; the last one is the file's checksum. */
  private Source<SnapshotResponse, NotUsed> snapshot(SnapshotRequest request) {
    String version = group.status().clusterVersion();
    return group.maintenance().snapshot().map(piece -> response(piece, version));
  }

  private static SnapshotResponse response(Maintenance.SnapshotPiece piece, String version) {
    return SnapshotResponse.newBuilder()
        .setBlob(piece.bytes())
        .setRemainingBytes(piece.remainingBytes())
        .setVersion(version)
        .build();
  }

  /** Through the log, the list too, which therefore needs a quorum. */
  private CompletionStage<Outcome<AlarmResponse>> alarm(AlarmRequest request) {
    return group
        .propose(Command.newBuilder().setAlarm(request), AlarmResponse.Builder.class)
        .thenApply(
            outcome ->
                outcome.map(
                    alarms ->
                        alarms.setHeader(group.header(group.status().currentRevision())).build()));
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
            .setDowngradeInfo(
                DowngradeInfo.newBuilder()
                    .setEnabled(!status.downgradeTarget().isEmpty())
                    .setTargetVersion(status.downgradeTarget()));
    if (status.leader().equals(MemberId.NONE)) {
      response.addErrors(EtcdError.NO_LEADER.text());
    }
    group.alarms().list().forEach(alarm -> response.addErrors(text(alarm)));
    return CompletableFuture.completedFuture(Outcome.ok(response.build()));
  }

  /** As Go prints the message; it leaves out what is zero, and puts one blank or two between. */
  private static String text(AlarmMember alarm) {
    String type = "alarm:" + Alarms.nameOf(alarm);
    return alarm.getMemberID() == 0
        ? type
        : "memberID:" + Long.toUnsignedString(alarm.getMemberID()) + " " + type;
  }
}
