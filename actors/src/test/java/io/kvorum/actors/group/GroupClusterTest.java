package io.kvorum.actors.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.typesafe.config.ConfigFactory;
import io.kvorum.actors.raft.RaftSettings;
import io.kvorum.actors.telemetry.Telemetry;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.mvcc.KeyspaceOptions;
import io.kvorum.persistence.wal.WalJournalExtension;
import io.kvorum.persistence.wal.WalMetrics;
import io.kvorum.persistence.wal.WalSettings;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.AlarmMember;
import io.kvorum.protocol.etcdserverpb.AlarmRequest;
import io.kvorum.protocol.etcdserverpb.AlarmResponse;
import io.kvorum.protocol.etcdserverpb.AlarmType;
import io.kvorum.protocol.etcdserverpb.Member;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.PutResponse;
import io.kvorum.protocol.internal.Command;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.Done;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.typed.ActorRef;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several members on real disks, with a network inside the process. */
final class GroupClusterTest {
  private static final long LIMIT_SECONDS = 60;

  @TempDir Path directory;

  private final TestNetwork network = new TestNetwork();
  private final List<Life> lives = new ArrayList<>();

  /** Of the members that have one, in bytes. */
  private final Map<String, Long> quotas = new TreeMap<>();

  /** One life of a member. */
  private final class Life implements AutoCloseable {
    final ActorTestKit kit = ActorTestKit.create("member", ConfigFactory.load());
    final ExecutorService reads = Executors.newFixedThreadPool(2);
    final GroupSupervisor.Lifecycle lifecycle = new GroupSupervisor.Lifecycle();
    final String name;
    final Keyspace keyspace;
    final ActorRef<GroupSupervisor.Message> supervisor;
    private boolean closed;

    Life(String name, boolean join, boolean force, String... members) {
      this.name = name;
      WalJournalExtension.get(kit.system())
          .open(WalSettings.in(directory.resolve(name + "-wal")), WalMetrics.NONE);
      keyspace =
          Keyspace.open(
              directory.resolve(name + "-keyspace"), GroupId.DEFAULT, KeyspaceOptions.defaults());
      supervisor =
          kit.spawn(
              GroupSupervisor.create(
                  settings(name, join, force, members),
                  new GroupSupervisor.Environment(
                      keyspace, Telemetry.start(), reads, network.endpoint(url(name))),
                  lifecycle));
      lives.add(this);
    }

    Group group() throws Exception {
      return lifecycle.ready().get(LIMIT_SECONDS, TimeUnit.SECONDS);
    }

    MemberId id() throws Exception {
      return group().status().member();
    }

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        network.endpoints.remove(url(name));
        kit.shutdownTestKit();
        lifecycle.stopped().join();
        keyspace.close();
        reads.shutdown();
      }
    }
  }

  @AfterEach
  void closeAll() {
    lives.forEach(Life::close);
  }

  private static String url(String name) {
    return "http://" + name + ":2380";
  }

  private GroupSettings settings(String name, boolean join, boolean force, String... members) {
    Map<String, List<String>> initial = new TreeMap<>();
    for (String member : members) {
      initial.put(member, List.of(url(member)));
    }
    return new GroupSettings(
        GroupId.DEFAULT,
        name,
        new GroupSettings.InitialCluster(initial, join, "token", false, force),
        List.of("http://" + name + ":2379"),
        "3.7.1",
        new GroupSettings.MemberRules(true, 1),
        RaftSettings.of(10, 1, true, 5000),
        Duration.ofMillis(100),
        true,
        Duration.ofSeconds(20),
        10_000,
        10_000,
        Duration.ofSeconds(1),
        Duration.ofMinutes(10),
        new HistoryRetention.Everything(),
        new GroupSettings.Safeguards(
            quotas.getOrDefault(name, -1L), false, Duration.ZERO, Duration.ZERO));
  }

  /** Started, and each knows of the others that they have. */
  private List<Life> cluster(String... members) throws Exception {
    List<Life> started = new ArrayList<>();
    for (String member : members) {
      started.add(new Life(member, false, false, members));
    }
    for (Life life : started) {
      life.group();
    }
    for (Life life : started) {
      ok(life.group().linearizableBarrier());
    }
    return started;
  }

  private static <T> Outcome<T> get(CompletionStage<Outcome<T>> stage) throws Exception {
    return stage.toCompletableFuture().get(LIMIT_SECONDS, TimeUnit.SECONDS);
  }

  private static <T> T ok(CompletionStage<Outcome<T>> stage) throws Exception {
    Outcome<T> outcome = get(stage);
    return switch (outcome) {
      case Outcome.Ok<T>(var value) -> value;
      case Outcome.Refused<T>(var error) -> throw new AssertionError(error);
    };
  }

  private static void put(Life life, String key) throws Exception {
    PutRequest put = PutRequest.newBuilder().setKey(ByteString.copyFromUtf8(key)).build();
    ok(life.group().propose(Command.newBuilder().setPut(put), PutResponse.Builder.class));
  }

  private static Life leader(List<Life> cluster) throws Exception {
    ok(cluster.getFirst().group().linearizableBarrier());
    MemberId leader = cluster.getFirst().group().status().leader();
    for (Life life : cluster) {
      if (life.id().equals(leader)) {
        return life;
      }
    }
    throw new AssertionError("the leader is " + leader);
  }

  private static Life follower(List<Life> cluster) throws Exception {
    Life leader = leader(cluster);
    return cluster.stream().filter(life -> life != leader).findFirst().orElseThrow();
  }

  private static List<String> names(Life life) throws Exception {
    return life.group().status().members().stream().map(Member::getName).sorted().toList();
  }

  @Test
  void membersOfANewClusterHaveTheSameHistory() throws Exception {
    List<Life> cluster = cluster("a", "b", "c");
    for (Life life : cluster) {
      put(life, life.name);
    }
    for (Life life : cluster) {
      ok(life.group().linearizableBarrier());
      GroupStatus status = life.group().status();
      assertEquals(4, status.currentRevision());
      assertEquals(List.of("a", "b", "c"), names(life));
      assertEquals(cluster.getFirst().group().status().clusterId(), status.clusterId());
    }
    Group leader = leader(cluster).group();
    cluster
        .getFirst()
        .kit
        .createTestProbe()
        .awaitAssert(
            Duration.ofSeconds(LIMIT_SECONDS),
            () -> {
              assertEquals("3.7.0", leader.status().clusterVersion());
              return Done.getInstance();
            });
  }

  @Test
  void aLearnerJoinsIsPromotedThroughAnyMemberAndLeads() throws Exception {
    List<Life> cluster = cluster("a", "b", "c");
    Life asked = follower(cluster);
    var added = ok(asked.group().members().add(List.of(url("d")), true));
    assertEquals(4, added.members().size());
    assertEquals("", added.member().getName());
    MemberId id = new MemberId(added.member().getID());
    assertEquals(
        Outcome.refused(EtcdError.LEARNER_NOT_READY), get(asked.group().members().promote(id)));
    Life joined = new Life("d", true, false, "a", "b", "c", "d");
    assertEquals(id, joined.id());
    assertTrue(joined.group().status().learner());
    var members = ok(asked.group().members().promote(id));
    assertTrue(members.stream().noneMatch(Member::getIsLearner));
    assertEquals(
        Outcome.refused(EtcdError.MEMBER_NOT_LEARNER), get(asked.group().members().promote(id)));
    assertEquals(
        Outcome.refused(EtcdError.NOT_LEADER), get(asked.group().members().moveLeader(id)));
    Life leader = leader(cluster);
    assertEquals(
        Outcome.refused(EtcdError.BAD_LEADER_TRANSFEREE),
        get(leader.group().members().moveLeader(new MemberId(12))));
    assertEquals(Outcome.ok(Done.getInstance()), get(leader.group().members().moveLeader(id)));
    assertEquals(id, leader.group().status().leader());
  }

  @Test
  void aRemovedMemberEndsAndCannotComeBack() throws Exception {
    List<Life> cluster = cluster("a", "b", "c");
    Life leader = leader(cluster);
    Life gone = follower(cluster);
    ok(leader.group().members().remove(gone.id()));
    assertEquals(
        "the member has been permanently removed from the cluster",
        gone.lifecycle.removed().get(LIMIT_SECONDS, TimeUnit.SECONDS));
    gone.close();
    put(leader, "k");
    Life again = new Life(gone.name, false, false, "a", "b", "c");
    again.lifecycle.removed().get(LIMIT_SECONDS, TimeUnit.SECONDS);
  }

  @Test
  void aStrangerIsRefusedAndARestartIsNot() throws Exception {
    List<Life> cluster = cluster("a", "b");
    Life stopped = cluster.getLast();
    stopped.close();
    // Flags for a first start are ignored where there is data.
    Life again = new Life("b", true, false, "b");
    again.group();
    Life stranger = new Life("x", true, false, "a", "x");
    var refused =
        assertThrows(
            ExecutionException.class,
            () -> stranger.lifecycle.ready().get(LIMIT_SECONDS, TimeUnit.SECONDS));
    assertInstanceOf(Bootstrap.RefusedException.class, refused.getCause());
  }

  private static Outcome<PutResponse.Builder> put(Life life, int valueBytes) throws Exception {
    PutRequest put =
        PutRequest.newBuilder()
            .setKey(ByteString.copyFromUtf8("k"))
            .setValue(ByteString.copyFrom(new byte[valueBytes]))
            .build();
    return get(life.group().propose(Command.newBuilder().setPut(put), PutResponse.Builder.class));
  }

  private static void disarm(Life life, MemberId member) throws Exception {
    AlarmRequest request =
        AlarmRequest.newBuilder()
            .setAction(AlarmRequest.AlarmAction.DEACTIVATE)
            .setMemberID(member.value())
            .setAlarm(AlarmType.NOSPACE)
            .build();
    var cleared =
        ok(
            life.group()
                .propose(Command.newBuilder().setAlarm(request), AlarmResponse.Builder.class));
    assertEquals(1, cleared.getAlarmsCount());
  }

  @Test
  void whatOneMemberHasNoRoomForIsAppliedByAllAndThenRefusedByAll() throws Exception {
    quotas.put("c", 25_000L);
    List<Life> cluster = cluster("a", "b", "c");
    Life roomy = cluster.getFirst();
    Life full = cluster.getLast();
    List<AlarmMember> expected =
        List.of(
            AlarmMember.newBuilder()
                .setMemberID(full.id().value())
                .setAlarm(AlarmType.NOSPACE)
                .build());
    // Whoever has room knows nothing of it, and the other one has the write as well.
    assertInstanceOf(Outcome.Ok.class, put(roomy, 5_000));
    roomy
        .kit
        .createTestProbe()
        .awaitAssert(
            Duration.ofSeconds(LIMIT_SECONDS),
            () -> {
              assertEquals(expected, roomy.group().alarms().list());
              return Done.getInstance();
            });
    for (Life life : cluster) {
      assertEquals(Outcome.refused(EtcdError.NO_SPACE), put(life, 0));
      assertEquals(2, life.group().status().currentRevision());
    }
    disarm(roomy, full.id());
    // Whoever has not is told that nothing was written; the alarm is there by then.
    assertEquals(Outcome.refused(EtcdError.NO_SPACE), put(full, 1));
    assertEquals(expected, full.group().alarms().list());
    for (Life life : cluster) {
      ok(life.group().linearizableBarrier());
      assertEquals(3, life.group().status().currentRevision());
    }
  }

  @Test
  void oneOfALostClusterGoesOnAlone() throws Exception {
    List<Life> cluster = cluster("a", "b", "c");
    put(cluster.getFirst(), "k");
    ok(cluster.getLast().group().linearizableBarrier());
    cluster.forEach(Life::close);
    Life alone = new Life("c", false, true, "a", "b", "c");
    put(alone, "l");
    GroupStatus status = alone.group().status();
    assertEquals(3, status.currentRevision());
    assertEquals(List.of("c"), names(alone));
    assertEquals(
        Outcome.refused(EtcdError.MEMBER_NOT_FOUND),
        get(alone.group().members().update(new MemberId(5), List.of("http://y:1"))));
  }
}
