package io.kvorum.actors.raft;

import io.kvorum.actors.raft.quorum.Majority;
import io.kvorum.protocol.MemberId;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A leader's read rounds (thesis 6.4): one heartbeat round, confirmed by a quorum, serves all reads
 * that waited when it began; those that arrive meanwhile wait for the next. No clock is trusted: a
 * leader that was paused answers what was confirmed before, for reads that waited then, and needs a
 * new round for every other.
 */
final class ReadRounds {
  /** A read that waits; {@code requester} may be this member itself. */
  private record Read(MemberId requester, long token) {}

  private final ReplicaState state;
  private final Set<MemberId> confirmedBy = new HashSet<>();
  private List<Read> waiting = new ArrayList<>();
  private List<Read> inRound = List.of();
  private long round;
  private long roundIndex;

  ReadRounds(ReplicaState state) {
    this.state = state;
  }

  /** Number that heartbeats carry; 0 when no round is under way. */
  long round() {
    return inRound.isEmpty() ? 0 : round;
  }

  /** Beyond the bound a read is dropped; its member asks again. */
  void add(MemberId requester, long token) {
    if (waiting.size() < state.settings.maxWaitingReads()) {
      waiting.add(new Read(requester, token));
    }
  }

  /**
   * Begins the next round if reads wait and none is under way.
   *
   * @return whether heartbeats must be sent for it
   */
  boolean begin() {
    if (waiting.isEmpty() || !inRound.isEmpty()) {
      return false;
    }
    inRound = waiting;
    waiting = new ArrayList<>();
    round++;
    roundIndex = state.log.committed();
    confirmedBy.clear();
    return !confirm(state.self, round);
  }

  /**
   * A member acknowledged this leader in a round.
   *
   * @return whether the round is complete; its reads are answered then
   */
  boolean confirm(MemberId member, long confirmedRound) {
    if (inRound.isEmpty() || confirmedRound != round) {
      return false;
    }
    confirmedBy.add(member);
    return completeIfConfirmed();
  }

  /** The voters are others now: the confirmations at hand may be enough. */
  boolean membershipChanged() {
    return !inRound.isEmpty() && completeIfConfirmed();
  }

  private boolean completeIfConfirmed() {
    if (!Majority.holds(state.configuration().voters(), confirmedBy::contains)) {
      return false;
    }
    inRound.forEach(this::answer);
    inRound = List.of();
    return true;
  }

  private void answer(Read read) {
    if (read.requester().equals(state.self)) {
      state.ports.replies().readIndex(read.token(), roundIndex);
    } else {
      state.send(
          read.requester(),
          new RaftMessage.ReadIndexResponse(state.term(), read.token(), roundIndex));
    }
  }
}
