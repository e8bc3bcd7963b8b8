package io.kvorum.actors.snapshot;

import com.google.protobuf.ByteString;
import com.typesafe.config.ConfigFactory;
import io.kvorum.actors.apply.AlarmState;
import io.kvorum.actors.apply.AppliedIndex;
import io.kvorum.actors.apply.Applier;
import io.kvorum.actors.apply.EntryApplier;
import io.kvorum.actors.apply.MembershipState;
import io.kvorum.actors.apply.PendingProposals;
import io.kvorum.actors.apply.Quota;
import io.kvorum.actors.raft.ReplicaMessage;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.actors.telemetry.Telemetry;
import io.kvorum.persistence.leveldb.LevelDbOptions;
import io.kvorum.persistence.mvcc.ApplyBatch;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.mvcc.KeyspaceExport;
import io.kvorum.persistence.mvcc.KeyspaceOptions;
import io.kvorum.persistence.mvcc.LeaseChange;
import io.kvorum.persistence.mvcc.RevisionEvents;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.internal.AlarmSet;
import io.kvorum.protocol.internal.Membership;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.typed.ActorRef;

/** Members with keyspaces and appliers of their own, and what stands in for replica and log. */
final class SnapshotCluster implements AutoCloseable {
  static final long CLUSTER = 77;
  static final Duration PATIENCE = Duration.ofSeconds(30);

  static final SnapshotSettings SETTINGS =
      new SnapshotSettings(
          1 << 10, 4 << 10, 1 << 30, 2, Duration.ofMillis(30), 300, Duration.ofSeconds(20));

  /** What lies between the members. */
  interface Network {
    void carry(Member from, Member to, SnapshotMessage message);
  }

  static final Network PERFECT = (from, to, message) -> to.hear(from.id, message);

  final ActorTestKit kit = ActorTestKit.create("snapshots", ConfigFactory.load());
  final Map<MemberId, Member> members = new HashMap<>();
  private final Path directory;
  private final SnapshotSettings settings;
  volatile Network network;

  SnapshotCluster(Path directory, SnapshotSettings settings, Network network) {
    this.directory = directory;
    this.settings = settings;
    this.network = network;
  }

  Member member(long id) {
    Member member = new Member(new MemberId(id));
    members.put(member.id, member);
    return member;
  }

  final class Member implements Applier.Listener {
    final MemberId id;
    final Keyspace keyspace;
    final AppliedIndex applied;
    final MembershipState membership = new MembershipState(Membership.getDefaultInstance());
    final Queue<ReplicaMessage> heard = new ConcurrentLinkedQueue<>();
    final Queue<LogPosition> logReplacements = new ConcurrentLinkedQueue<>();
    final Queue<Long> jumps = new ConcurrentLinkedQueue<>();
    final ActorRef<Applier.Message> applier;
    volatile ActorRef<Snapshots.Message> snapshots;
    volatile boolean wantsSnapshots = true;
    volatile boolean logAnswers = true;

    Member(MemberId id) {
      this.id = id;
      keyspace =
          Keyspace.open(
              directory.resolve(id.toString()),
              GroupId.DEFAULT,
              KeyspaceOptions.defaults()
                  .withStorage(LevelDbOptions.defaults().withMinFreeBytes(0)));
      applied = new AppliedIndex(keyspace.applied());
      applier =
          kit.spawn(
              Applier.create(
                  keyspace,
                  new EntryApplier(
                      membership,
                      new AlarmState(AlarmSet.getDefaultInstance()),
                      new Quota(-1),
                      () -> {}),
                  new PendingProposals(id, 0, 1, now -> EtcdError.TIMEOUT),
                  applied,
                  new Applier.SyncPolicy(1000, 1 << 20),
                  Duration.ofSeconds(10),
                  this));
      snapshots = spawn();
    }

    private ActorRef<Snapshots.Message> spawn() {
      return kit.spawn(
          Snapshots.create(
              settings,
              new Snapshots.Surroundings(
                  GroupId.DEFAULT,
                  CLUSTER,
                  keyspace,
                  (to, message) -> carry(to, message),
                  this::onReport,
                  applier,
                  this::replaceLog,
                  Telemetry.start()),
              RandomGenerator.getDefault()));
    }

    private void carry(MemberId to, SnapshotMessage message) {
      Member target = members.get(to);
      if (target != null) {
        network.carry(this, target, message);
      }
    }

    void hear(MemberId from, SnapshotMessage message) {
      snapshots.tell(new Snapshots.FromPeer(from, message));
    }

    /** Stands for the replica. */
    private void onReport(ReplicaMessage report) {
      heard.add(report);
      if (report instanceof ReplicaMessage.SnapshotReceived(_, _, var at)) {
        if (wantsSnapshots) {
          Snapshots.port(snapshots).install(at);
        } else {
          Snapshots.port(snapshots).discard(at);
        }
      }
    }

    /** Stands for the log. */
    private void replaceLog(LogPosition at) {
      logReplacements.add(at);
      if (logAnswers) {
        snapshots.tell(new Snapshots.LogReplaced(at));
      }
    }

    /** As after a crash of the process, with nothing left but the disk. */
    void restartSnapshots() {
      kit.stop(snapshots);
      snapshots = spawn();
    }

    void send(Member to, long term) {
      Snapshots.port(snapshots).send(to.id, term);
    }

    void fill(int entries, int valueBytes, RandomGenerator random) {
      for (int i = 0; i < entries; i++) {
        byte[] value = new byte[valueBytes];
        random.nextBytes(value);
        try (ApplyBatch batch = keyspace.beginBatch()) {
          batch.put(
              new LogPosition(keyspace.applied().index() + 1, 3),
              PutRequest.newBuilder()
                  .setKey(ByteString.copyFromUtf8("key" + random.nextInt(entries)))
                  .setValue(ByteString.copyFrom(value))
                  .build());
          batch.putMeta(MembershipState.META_KEY, membershipOfThree().toByteArray());
          batch.commit();
        }
      }
    }

    <T extends ReplicaMessage> T await(Class<T> report) {
      SnapshotCluster.await(
          report.getSimpleName(), () -> heard.stream().anyMatch(report::isInstance));
      return heard.stream().filter(report::isInstance).map(report::cast).findFirst().orElseThrow();
    }

    List<String> rows() {
      List<String> all = new ArrayList<>();
      try (KeyspaceExport export = keyspace.export();
          KeyspaceExport.Rows rows = export.rows()) {
        while (rows.advance()) {
          all.add(
              ByteString.copyFrom(rows.key()).hashCode()
                  + " "
                  + ByteString.copyFrom(rows.value()).hashCode());
        }
      }
      return all;
    }

    Path directory() {
      return directory.resolve(id.toString());
    }

    @Override
    public void leases(long index, List<LeaseChange> changes) {}

    @Override
    public void events(List<RevisionEvents> revisions) {}

    @Override
    public void configuration(Configuration configuration, long index) {}

    @Override
    public void alarms() {}

    @Override
    public void replaced(long currentRevision) {
      jumps.add(currentRevision);
    }

    @Override
    public void slow() {}

    @Override
    public void stalled(boolean stalled) {}

    @Override
    public void durable(LogPosition position) {}
  }

  static Membership membershipOfThree() {
    return Membership.newBuilder()
        .setClusterId(CLUSTER)
        .addMembers(Membership.Member.newBuilder().setId(1))
        .addMembers(Membership.Member.newBuilder().setId(2))
        .addMembers(Membership.Member.newBuilder().setId(3).setIsLearner(true))
        .build();
  }

  static void await(String what, BooleanSupplier condition) {
    Instant deadline = Instant.now().plus(PATIENCE);
    while (!condition.getAsBoolean()) {
      if (Instant.now().isAfter(deadline)) {
        throw new AssertionError(what + " did not happen in " + PATIENCE);
      }
      Thread.onSpinWait();
    }
  }

  @Override
  public void close() {
    kit.shutdownTestKit();
    members.values().forEach(member -> member.keyspace.close());
  }
}
