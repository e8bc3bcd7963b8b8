package io.kvorum.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.grpc.MethodDescriptor;
import io.kvorum.actors.raft.membership.Standing;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.etcdserverpb.MemberAddRequest;
import io.kvorum.protocol.etcdserverpb.MemberAddResponse;
import io.kvorum.protocol.etcdserverpb.MemberPromoteRequest;
import io.kvorum.protocol.etcdserverpb.MemberPromoteResponse;
import io.kvorum.protocol.etcdserverpb.MemberRemoveRequest;
import io.kvorum.protocol.etcdserverpb.MemberRemoveResponse;
import io.kvorum.protocol.etcdserverpb.MemberUpdateRequest;
import io.kvorum.protocol.etcdserverpb.MemberUpdateResponse;
import io.kvorum.protocol.etcdserverpb.MoveLeaderRequest;
import io.kvorum.protocol.etcdserverpb.MoveLeaderResponse;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Changes of members on the wire. */
final class ClusterServiceTest {
  private static final MethodDescriptor<MemberAddRequest, MemberAddResponse> ADD =
      ServerFixture.unary(
          "etcdserverpb.Cluster/MemberAdd",
          MemberAddRequest.getDefaultInstance(),
          MemberAddResponse.getDefaultInstance());
  private static final MethodDescriptor<MemberRemoveRequest, MemberRemoveResponse> REMOVE =
      ServerFixture.unary(
          "etcdserverpb.Cluster/MemberRemove",
          MemberRemoveRequest.getDefaultInstance(),
          MemberRemoveResponse.getDefaultInstance());
  private static final MethodDescriptor<MemberUpdateRequest, MemberUpdateResponse> UPDATE =
      ServerFixture.unary(
          "etcdserverpb.Cluster/MemberUpdate",
          MemberUpdateRequest.getDefaultInstance(),
          MemberUpdateResponse.getDefaultInstance());
  private static final MethodDescriptor<MemberPromoteRequest, MemberPromoteResponse> PROMOTE =
      ServerFixture.unary(
          "etcdserverpb.Cluster/MemberPromote",
          MemberPromoteRequest.getDefaultInstance(),
          MemberPromoteResponse.getDefaultInstance());
  private static final MethodDescriptor<MoveLeaderRequest, MoveLeaderResponse> MOVE_LEADER =
      ServerFixture.unary(
          "etcdserverpb.Maintenance/MoveLeader",
          MoveLeaderRequest.getDefaultInstance(),
          MoveLeaderResponse.getDefaultInstance());

  private final ServerFixture fixture = new ServerFixture();
  private final FakeGroup group = fixture.group;

  @AfterEach
  void close() {
    fixture.close();
  }

  private static MemberAddRequest add(String... urls) {
    return MemberAddRequest.newBuilder().addAllPeerURLs(List.of(urls)).build();
  }

  @Test
  void anAddedMemberHasNeitherNameNorClientUrlsAndTheHeaderNoRevision() {
    MemberAddResponse added =
        fixture.call(
            ADD,
            add(" http://10.0.0.2:2380 ", "HTTP://10.0.0.1:2380").toBuilder()
                .setIsLearner(true)
                .build());
    assertEquals(
        List.of("http://10.0.0.1:2380", "http://10.0.0.2:2380"),
        List.copyOf(added.getMember().getPeerURLsList()));
    assertEquals("", added.getMember().getName());
    assertEquals(2, added.getMembersCount());
    assertEquals(0, added.getHeader().getRevision());
    assertEquals(FakeGroup.TERM, added.getHeader().getRaftTerm());
    assertEquals(
        List.of("add [http://10.0.0.1:2380, http://10.0.0.2:2380] learner"),
        List.copyOf(group.memberChanges));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "localhost:2380",
        "ftp://h:1",
        "http://h",
        "http://h:1/",
        "http://h:1/x",
        "://"
      })
  void urlsThatAreNoneAreRefused(String url) {
    assertEquals(
        "INVALID_ARGUMENT: etcdserver: given member URLs are invalid",
        fixture.failure(ADD, add("http://h:1", url)));
    assertEquals(
        "INVALID_ARGUMENT: etcdserver: given member URLs are invalid", fixture.failure(ADD, add()));
    assertEquals(0, group.memberChanges.size());
  }

  @Test
  void otherChangesAreAnsweredWithAllMembers() {
    assertEquals(
        1,
        fixture.call(REMOVE, MemberRemoveRequest.newBuilder().setID(9).build()).getMembersCount());
    assertEquals(
        1,
        fixture
            .call(UPDATE, MemberUpdateRequest.newBuilder().setID(9).addPeerURLs("odd").build())
            .getMembersCount());
    assertEquals(
        1,
        fixture
            .call(PROMOTE, MemberPromoteRequest.newBuilder().setID(-1).build())
            .getMembersCount());
    assertEquals(
        List.of("remove 9", "update 9 [odd]", "promote ffffffffffffffff"),
        List.copyOf(group.memberChanges));
  }

  @Test
  void refusalsReachTheClient() {
    group.memberRefusal = EtcdError.MEMBER_NOT_ENOUGH_STARTED;
    assertEquals(
        "UNKNOWN: etcdserver: re-configuration failed due to not enough started members",
        fixture.failure(ADD, add("http://h:1")));
    group.memberRefusal = EtcdError.LEARNER_NOT_READY;
    assertEquals(
        "FAILED_PRECONDITION: etcdserver: can only promote a learner member which is in sync with"
            + " leader",
        fixture.failure(PROMOTE, MemberPromoteRequest.getDefaultInstance()));
    group.memberRefusal = null;
    group.standing = Standing.LEARNER;
    assertEquals(
        "FAILED_PRECONDITION: etcdserver: rpc not supported for learner",
        fixture.failure(REMOVE, MemberRemoveRequest.getDefaultInstance()));
  }

  @Test
  void leadershipIsMovedWithoutAHeader() {
    assertFalse(
        fixture
            .call(MOVE_LEADER, MoveLeaderRequest.newBuilder().setTargetID(3).build())
            .hasHeader());
    group.memberRefusal = EtcdError.NOT_LEADER;
    assertEquals(
        "FAILED_PRECONDITION: etcdserver: not leader",
        fixture.failure(MOVE_LEADER, MoveLeaderRequest.getDefaultInstance()));
  }
}
