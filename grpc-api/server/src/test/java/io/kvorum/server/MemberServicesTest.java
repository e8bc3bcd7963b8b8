package io.kvorum.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.MethodDescriptor;
import io.kvorum.actors.raft.membership.Standing;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.AlarmMember;
import io.kvorum.protocol.etcdserverpb.AlarmRequest;
import io.kvorum.protocol.etcdserverpb.AlarmResponse;
import io.kvorum.protocol.etcdserverpb.AlarmType;
import io.kvorum.protocol.etcdserverpb.AuthEnableRequest;
import io.kvorum.protocol.etcdserverpb.AuthEnableResponse;
import io.kvorum.protocol.etcdserverpb.DowngradeRequest;
import io.kvorum.protocol.etcdserverpb.DowngradeRequest.DowngradeAction;
import io.kvorum.protocol.etcdserverpb.DowngradeResponse;
import io.kvorum.protocol.etcdserverpb.MemberListRequest;
import io.kvorum.protocol.etcdserverpb.MemberListResponse;
import io.kvorum.protocol.etcdserverpb.StatusRequest;
import io.kvorum.protocol.etcdserverpb.StatusResponse;
import io.kvorum.protocol.internal.Command;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Status, members, and what is not served yet. */
class MemberServicesTest {
  private static final MethodDescriptor<StatusRequest, StatusResponse> STATUS =
      ServerFixture.unary(
          "etcdserverpb.Maintenance/Status",
          StatusRequest.getDefaultInstance(),
          StatusResponse.getDefaultInstance());
  private static final MethodDescriptor<MemberListRequest, MemberListResponse> MEMBER_LIST =
      ServerFixture.unary(
          "etcdserverpb.Cluster/MemberList",
          MemberListRequest.getDefaultInstance(),
          MemberListResponse.getDefaultInstance());

  private static final MethodDescriptor<AlarmRequest, AlarmResponse> ALARM =
      ServerFixture.unary(
          "etcdserverpb.Maintenance/Alarm",
          AlarmRequest.getDefaultInstance(),
          AlarmResponse.getDefaultInstance());

  private static final MethodDescriptor<DowngradeRequest, DowngradeResponse> DOWNGRADE =
      ServerFixture.unary(
          "etcdserverpb.Maintenance/Downgrade",
          DowngradeRequest.getDefaultInstance(),
          DowngradeResponse.getDefaultInstance());

  private final ServerFixture fixture = new ServerFixture();
  private final FakeGroup group = fixture.group;

  @AfterEach
  void close() {
    fixture.close();
  }

  @Test
  void statusTellsWhatTheMemberKnows() {
    StatusResponse status = fixture.call(STATUS, StatusRequest.getDefaultInstance());
    assertEquals(FakeGroup.REVISION, status.getHeader().getRevision());
    assertEquals(FakeGroup.MEMBER_ID, status.getHeader().getMemberId());
    assertEquals("3.7.1", status.getVersion());
    assertEquals("3.7.0", status.getStorageVersion());
    assertEquals(20_480, status.getDbSize());
    assertEquals(16_384, status.getDbSizeInUse());
    assertEquals(2_147_483_648L, status.getDbSizeQuota());
    assertEquals(FakeGroup.MEMBER_ID, status.getLeader());
    assertEquals(101, status.getRaftIndex());
    assertEquals(100, status.getRaftAppliedIndex());
    assertEquals(FakeGroup.TERM, status.getRaftTerm());
    assertTrue(status.hasDowngradeInfo());
    assertEquals(0, status.getErrorsCount());
  }

  @Test
  void statusIsAnsweredByALearnerAndWithoutALeader() {
    group.standing = Standing.LEARNER;
    group.leader = MemberId.NONE;
    group.clusterVersion = "";
    StatusResponse status = fixture.call(STATUS, StatusRequest.getDefaultInstance());
    assertTrue(status.getIsLearner());
    assertEquals(0, status.getLeader());
    assertEquals(EtcdError.NO_LEADER.text(), status.getErrors(0));
    assertEquals("", status.getStorageVersion());
  }

  @Test
  void membersHaveAHeaderWithoutRevision() {
    MemberListResponse members = fixture.call(MEMBER_LIST, MemberListRequest.getDefaultInstance());
    assertEquals(0, members.getHeader().getRevision());
    assertEquals(FakeGroup.CLUSTER_ID, members.getHeader().getClusterId());
    assertEquals("default", members.getMembers(0).getName());
    assertEquals(0, group.barriers.get());
    fixture.call(MEMBER_LIST, MemberListRequest.newBuilder().setLinearizable(true).build());
    assertEquals(1, group.barriers.get());
    group.barrier = () -> CompletableFuture.completedFuture(Outcome.refused(EtcdError.TIMEOUT));
    assertEquals(
        "UNAVAILABLE: etcdserver: request timed out",
        fixture.failure(MEMBER_LIST, MemberListRequest.newBuilder().setLinearizable(true).build()));
    group.standing = Standing.LEARNER;
    assertEquals(
        "FAILED_PRECONDITION: etcdserver: rpc not supported for learner",
        fixture.failure(MEMBER_LIST, MemberListRequest.getDefaultInstance()));
  }

  @Test
  void alarmsGoThroughTheLogTheirListToo() {
    AlarmResponse alarms = fixture.call(ALARM, AlarmRequest.getDefaultInstance());
    assertEquals(0, alarms.getAlarmsCount());
    assertEquals(FakeGroup.REVISION, alarms.getHeader().getRevision());
    assertEquals(Command.RequestCase.ALARM, group.proposed.remove().getRequestCase());
    group.proposals = command -> CompletableFuture.completedFuture(refused(EtcdError.TIMEOUT));
    assertEquals(
        "UNAVAILABLE: etcdserver: request timed out",
        fixture.failure(ALARM, AlarmRequest.getDefaultInstance()));
  }

  private static Outcome<Object> refused(EtcdError error) {
    return Outcome.refused(error);
  }

  @Test
  void statusShowsAlarmsAsGoPrintsThem() {
    group.alarms.add(alarm(-1, AlarmType.NOSPACE_VALUE));
    group.alarms.add(alarm(0, AlarmType.CORRUPT_VALUE));
    group.alarms.add(alarm(7, 9));
    assertEquals(
        List.of(
            "memberID:18446744073709551615 alarm:NOSPACE", "alarm:CORRUPT", "memberID:7 alarm:9"),
        fixture.call(STATUS, StatusRequest.getDefaultInstance()).getErrorsList());
  }

  private static AlarmMember alarm(long member, int type) {
    return AlarmMember.newBuilder().setMemberID(member).setAlarmValue(type).build();
  }

  private String validate(String version) {
    return fixture.failure(DOWNGRADE, downgrade(DowngradeAction.VALIDATE, version));
  }

  private static DowngradeRequest downgrade(DowngradeAction action, String version) {
    return DowngradeRequest.newBuilder().setAction(action).setVersion(version).build();
  }

  @Test
  void downgradeIsValidatedAsInEtcd() {
    for (String target : List.of("3.6", "3.6.0", "3.6.9", "3.6.1-rc.1")) {
      DowngradeResponse valid =
          fixture.call(DOWNGRADE, downgrade(DowngradeAction.VALIDATE, target));
      assertEquals("3.7", valid.getVersion());
      assertEquals(FakeGroup.REVISION, valid.getHeader().getRevision());
    }
    for (String target : List.of("", "3", "x", "3.6.x", "3.6.0.0", "v3.6")) {
      assertEquals(
          "INVALID_ARGUMENT: etcdserver: wrong downgrade target version format", validate(target));
    }
    for (String target : List.of("3.7", "3.5", "4.6", "2.6.0")) {
      assertEquals(
          "INVALID_ARGUMENT: etcdserver: invalid downgrade target version", validate(target));
    }
    group.downgradeTarget = "3.6.0";
    assertEquals(
        "FAILED_PRECONDITION: etcdserver: cluster has a downgrade job in progress",
        validate("3.6"));
    group.clusterVersion = "";
    assertEquals(
        "FAILED_PRECONDITION: etcdserver: cluster version not found during downgrade",
        validate("3.6"));
    assertEquals(List.of(), List.copyOf(group.proposed));
  }

  @Test
  void downgradeIsEnabledThroughTheLogAndCancelledOnlyWhereThereIsOne() {
    fixture.call(DOWNGRADE, downgrade(DowngradeAction.CANCEL, ""));
    assertEquals(List.of(), List.copyOf(group.proposed));
    fixture.call(DOWNGRADE, downgrade(DowngradeAction.ENABLE, "3.6"));
    assertEquals("3.6.0", group.proposed.remove().getDowngrade().getTargetVersion());
    group.downgradeTarget = "3.6.0";
    StatusResponse status = fixture.call(STATUS, StatusRequest.getDefaultInstance());
    assertTrue(status.getDowngradeInfo().getEnabled());
    assertEquals("3.6.0", status.getDowngradeInfo().getTargetVersion());
    fixture.call(DOWNGRADE, downgrade(DowngradeAction.CANCEL, ""));
    assertEquals("", group.proposed.remove().getDowngrade().getTargetVersion());
    assertEquals(
        "UNKNOWN: etcdserver: unknown method",
        fixture.failure(DOWNGRADE, DowngradeRequest.newBuilder().setActionValue(9).build()));
  }

  @Test
  void whatIsNotServedYetIsNamed() {
    assertEquals(
        "UNIMPLEMENTED: kvorum: etcdserverpb.Auth/AuthEnable is not supported yet",
        fixture.failure(
            ServerFixture.unary(
                "etcdserverpb.Auth/AuthEnable",
                AuthEnableRequest.getDefaultInstance(),
                AuthEnableResponse.getDefaultInstance()),
            AuthEnableRequest.getDefaultInstance()));
    assertEquals(1, fixture.metrics.count("etcdserverpb.Auth/AuthEnable handled UNIMPLEMENTED"));
  }

  @Test
  void whatTheContractDoesNotHaveIsRefusedInGrpcsWords() {
    assertEquals("UNIMPLEMENTED: unknown service a.B", fixture.failure(named("a.B/C"), status()));
    assertEquals(
        "UNIMPLEMENTED: unknown method Fetch for service etcdserverpb.KV",
        fixture.failure(named("etcdserverpb.KV/Fetch"), status()));
    assertEquals(
        "UNIMPLEMENTED: unknown service etcdserverpb.KV/Range",
        fixture.failure(named("etcdserverpb.KV/Range/x"), status()));
  }

  private static MethodDescriptor<StatusRequest, StatusResponse> named(String method) {
    return ServerFixture.unary(
        method, StatusRequest.getDefaultInstance(), StatusResponse.getDefaultInstance());
  }

  private static StatusRequest status() {
    return StatusRequest.getDefaultInstance();
  }
}
