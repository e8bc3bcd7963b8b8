package io.kvorum.actors.raft;

import com.google.protobuf.ByteString;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.actors.raft.log.RaftLog;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.apache.pekko.actor.testkit.typed.javadsl.BehaviorTestKit;

/** One replica, member 1, in a test kit with recorded effects. */
final class ReplicaFixture {
  static final int ELECTION_TICKS = 10;
  static final RaftSettings SETTINGS = RaftSettings.of(ELECTION_TICKS, 1, true, 5000);
  static final MemberId SELF = new MemberId(1);
  static final MemberId TWO = new MemberId(2);
  static final MemberId THREE = new MemberId(3);

  final RecordingPorts effects = new RecordingPorts();
  final BehaviorTestKit<ReplicaMessage> kit;

  /**
   * @param voters number of voters, members 1 to {@code voters}
   * @param terms terms of the entries in the log, from index 1
   */
  ReplicaFixture(int voters, HardState hardState, long... terms) {
    this(SETTINGS, voters(voters), hardState, log(terms));
  }

  ReplicaFixture(
      RaftSettings settings, Configuration configuration, HardState hardState, RaftLog log) {
    kit =
        BehaviorTestKit.create(
            Replica.create(
                SELF,
                settings,
                new SplittableRandom(1),
                hardState,
                log,
                configuration,
                effects.ports()));
    effects.take();
  }

  private static RaftLog log(long... terms) {
    List<Entry> entries =
        LongStream.range(0, terms.length).mapToObj(i -> entry(i + 1, terms[(int) i])).toList();
    return new RaftLog(LogPosition.ZERO, entries, 0);
  }

  /** Settings with other bounds of memory than {@link #SETTINGS} has. */
  static RaftSettings bounds(
      long maxUncommittedBytes, long catchUpEntries, long maxLogBytes, long maxLaggingLogBytes) {
    return new RaftSettings(
        SETTINGS.electionTimeoutTicks(),
        SETTINGS.heartbeatTicks(),
        SETTINGS.preVote(),
        SETTINGS.maxAppendBytes(),
        SETTINGS.maxInflightAppends(),
        SETTINGS.maxInflightBytes(),
        maxUncommittedBytes,
        SETTINGS.maxDeliveryBytes(),
        SETTINGS.maxHeldProposals(),
        SETTINGS.maxHeldBytes(),
        SETTINGS.requestTimeoutTicks(),
        SETTINGS.maxWaitingReads(),
        catchUpEntries,
        maxLogBytes,
        maxLaggingLogBytes,
        SETTINGS.maxTotalLogBytes());
  }

  /** Members 1 to {@code count}, no learners. */
  static Configuration voters(int count) {
    return Configuration.of(
        LongStream.rangeClosed(1, count).mapToObj(MemberId::new).toList(), List.of());
  }

  static Ports.Envelope to(MemberId member, RaftMessage message) {
    return new Ports.Envelope(member, message);
  }

  /** A membership change as a client of this member proposes it. */
  static Proposal change(long id) {
    return new Proposal(id, EntryKind.MEMBERSHIP, ByteString.copyFromUtf8("change" + id));
  }

  /** The entry that {@link #proposal} becomes. */
  static Entry proposed(long index, long term, long id) {
    return new Entry(index, term, EntryKind.COMMAND, proposal(id).payload());
  }

  static Entry entry(long index, long term) {
    return new Entry(index, term, EntryKind.COMMAND, ByteString.copyFromUtf8("e" + index));
  }

  static Proposal proposal(long id) {
    return new Proposal(id, EntryKind.COMMAND, ByteString.copyFromUtf8("p" + id));
  }

  /** Runs a message and what the replica says to itself; returns the effects. */
  List<RecordingPorts.Effect> run(ReplicaMessage message) {
    kit.run(message);
    while (kit.selfInbox().hasMessages()) {
      kit.run(kit.selfInbox().receiveMessage());
    }
    return effects.take();
  }

  List<RecordingPorts.Effect> from(MemberId peer, RaftMessage message) {
    return run(new ReplicaMessage.FromPeer(peer, message));
  }

  List<RecordingPorts.Effect> persisted(HardState hardState, LogPosition last) {
    return run(new ReplicaMessage.Persisted(hardState, last, List.of()));
  }

  /** Ticks until the replica asks for votes; returns the effects of that tick. */
  List<RecordingPorts.Effect> timeOut() {
    for (int i = 0; i < 2 * ELECTION_TICKS; i++) {
      List<RecordingPorts.Effect> now = run(new ReplicaMessage.Tick());
      if (!now.isEmpty()) {
        return now;
      }
    }
    throw new AssertionError("no election within two election timeouts");
  }

  /** Lets time pass; returns all effects. */
  List<RecordingPorts.Effect> ticks(int count) {
    List<RecordingPorts.Effect> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.addAll(run(new ReplicaMessage.Tick()));
    }
    return all;
  }

  /** Elects the replica in {@code term} with the vote of member 2. */
  void lead(long term, LogPosition last) {
    HardState voted = new HardState(term, SELF);
    timeOut();
    from(TWO, new RaftMessage.VoteResponse(term, true, true));
    persisted(voted, last);
    from(TWO, new RaftMessage.VoteResponse(term, true, false));
    persisted(voted, new LogPosition(last.index() + 1, term));
  }

  /** Makes member 1 of three the leader of term 1 with an empty entry at index 1 on its disk. */
  static ReplicaFixture leaderOfThree() {
    return leaderOfThree(SETTINGS);
  }

  static ReplicaFixture leaderOfThree(RaftSettings settings) {
    ReplicaFixture replica =
        new ReplicaFixture(
            settings, voters(3), HardState.INITIAL, new RaftLog(LogPosition.ZERO, List.of(), 0));
    replica.lead(1, LogPosition.ZERO);
    return replica;
  }

  /** One of three with an empty log that hears this leader. */
  static ReplicaFixture followerOf(MemberId leader, long term) {
    ReplicaFixture replica = new ReplicaFixture(3, new HardState(term, MemberId.NONE));
    replica.from(leader, new RaftMessage.Heartbeat(term, 0, 0));
    return replica;
  }
}
