package io.kvorum.actors.raft;

import com.google.protobuf.ByteString;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.actors.raft.log.RaftLog;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.apache.pekko.actor.testkit.typed.javadsl.BehaviorTestKit;

/** One replica, member 1, in a test kit with recorded effects. */
final class ReplicaFixture {
  static final int ELECTION_TICKS = 10;
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
    List<Entry> entries =
        LongStream.range(0, terms.length).mapToObj(i -> entry(i + 1, terms[(int) i])).toList();
    Configuration configuration =
        Configuration.of(
            LongStream.rangeClosed(1, voters).mapToObj(MemberId::new).toList(), List.of());
    kit =
        BehaviorTestKit.create(
            Replica.create(
                SELF,
                RaftSettings.of(ELECTION_TICKS, 1, true, 5000),
                new SplittableRandom(1),
                hardState,
                new RaftLog(LogPosition.ZERO, entries, 0),
                configuration,
                effects.ports()));
    effects.take();
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

  /** Makes member 1 of three the leader of term 1 with an empty entry at index 1 on its disk. */
  static ReplicaFixture leaderOfThree() {
    ReplicaFixture replica = new ReplicaFixture(3, HardState.INITIAL);
    replica.timeOut();
    replica.from(TWO, new RaftMessage.VoteResponse(1, true, true));
    replica.persisted(new HardState(1, SELF), LogPosition.ZERO);
    replica.from(TWO, new RaftMessage.VoteResponse(1, true, false));
    replica.persisted(new HardState(1, SELF), new LogPosition(1, 1));
    return replica;
  }
}
