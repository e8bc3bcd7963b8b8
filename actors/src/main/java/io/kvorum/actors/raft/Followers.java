package io.kvorum.actors.raft;

import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.RaftLog;
import io.kvorum.actors.raft.progress.Progress;
import io.kvorum.actors.raft.quorum.Majority;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A leader's replication to all others, voters and learners: how far each has come, and what it is
 * sent next.
 */
final class Followers {
  private final ReplicaState state;
  private final Map<MemberId, Progress> progress = new LinkedHashMap<>();

  /** The entries sent last: followers that are level are sent the same list. */
  private List<Entry> sliced = List.of();

  private long slicedFrom;
  private long slicedLogEnd;
  private long slicedBytes;

  Followers(ReplicaState state) {
    this.state = state;
    state.peers().forEach(peer -> progress.put(peer, newProgress()));
  }

  private Progress newProgress() {
    return new Progress(
        state.log.lastIndex() + 1,
        state.settings.maxInflightAppends(),
        state.settings.maxInflightBytes());
  }

  /**
   * Takes up who is new in the membership and forgets who is not in it any more. A new one counts
   * as heard, so that the next quorum check leaves it time to answer.
   */
  void followMembership() {
    List<MemberId> peers = state.peers();
    progress.keySet().retainAll(peers);
    for (MemberId peer : peers) {
      if (!progress.containsKey(peer)) {
        Progress added = newProgress();
        added.markActive();
        progress.put(peer, added);
        replicate(peer, added);
      }
    }
  }

  /** What was cut off the log and not sent to anybody must not be sent from memory. */
  void forgetSlice() {
    slicedFrom = 0;
    sliced = List.of();
  }

  void replicateAll() {
    progress.forEach(this::replicate);
  }

  /**
   * Sends a follower what it lacks, as far as its window allows.
   *
   * @return whether an append went out
   */
  private boolean replicate(MemberId peer, Progress follower) {
    boolean sent = false;
    while (!follower.isPaused()) {
      if (!state.log.knows(follower.next() - 1)) {
        sendSnapshot(peer, follower);
        return sent;
      }
      boolean nothing = follower.next() > state.log.lastIndex() || follower.isInstalling();
      if (nothing && follower.mode() != Progress.Mode.PROBE) {
        return sent;
      }
      if (nothing) {
        sendEmpty(peer, follower);
        follower.sent(follower.next() - 1, 0);
      } else {
        sendEntries(peer, follower);
      }
      sent = true;
    }
    return sent;
  }

  private void sendEntries(MemberId peer, Progress follower) {
    slice(follower.next());
    long previous = follower.next() - 1;
    state.send(
        peer, new RaftMessage.Append(state.term(), at(previous), sliced, state.log.committed()));
    follower.sent(previous + sliced.size(), slicedBytes);
  }

  private void slice(long from) {
    RaftLog log = state.log;
    if (from != slicedFrom || log.lastIndex() != slicedLogEnd) {
      sliced = log.slice(from, state.settings.maxAppendBytes());
      slicedFrom = from;
      slicedLogEnd = log.lastIndex();
      slicedBytes = log.bytes(from, from + sliced.size() - 1);
    }
  }

  private void sendEmpty(MemberId peer, Progress follower) {
    state.send(
        peer,
        new RaftMessage.Append(
            state.term(), at(follower.next() - 1), List.of(), state.log.committed()));
  }

  private LogPosition at(long index) {
    return new LogPosition(index, state.log.term(index));
  }

  /** Not to one that is not heard: it would only be made in vain (etcd waits likewise). */
  private void sendSnapshot(MemberId peer, Progress follower) {
    if (follower.isActive()) {
      follower.becomeSnapshot(state.log.base().index());
      state.ports.snapshots().send(peer, state.term());
    }
  }

  /**
   * Tells the followers of a new commit mark at once, so that their reads and watches do not wait
   * for a heartbeat.
   */
  void announceCommit() {
    var committed = new RaftMessage.Committed(state.term(), at(state.log.committed()));
    progress.forEach(
        (peer, follower) -> {
          boolean told = replicate(peer, follower);
          if (!told && follower.mode() == Progress.Mode.REPLICATE) {
            state.send(peer, committed);
          }
        });
  }

  /**
   * A heartbeat to all.
   *
   * @param round the read round that an answer confirms
   */
  void heartbeat(long round) {
    progress.forEach(
        (peer, follower) ->
            state.send(
                peer,
                new RaftMessage.Heartbeat(
                    state.term(), Math.min(follower.match(), state.log.committed()), round)));
  }

  /**
   * Repeats, once per heartbeat and not per answer to one, what may be lost: a probe; or the last
   * append of a pipeline, or its answer, which nothing else would show while no new entry comes.
   */
  void repeatWhatMayBeLost() {
    progress.forEach(
        (peer, follower) -> {
          boolean silent = follower.heartbeat();
          if (!follower.isActive()) {
            return;
          }
          if (silent) {
            askAfterSilence(peer, follower);
          }
          replicate(peer, follower);
        });
  }

  /** Its answer shows what it has; if the log was cut meanwhile, all begins anew. */
  private void askAfterSilence(MemberId peer, Progress follower) {
    if (state.log.knows(follower.next() - 1)) {
      sendEmpty(peer, follower);
    } else {
      follower.becomeProbe();
    }
  }

  /** Whether a follower acknowledged entries that it was not known to have. */
  boolean acknowledged(MemberId from, long match) {
    Progress follower = progress.get(from);
    if (follower == null) {
      return false;
    }
    follower.markActive();
    return follower.acknowledged(match, state.log.firstIndex());
  }

  /** Sends more to a follower that answered. */
  void replicateTo(MemberId peer) {
    Progress follower = progress.get(peer);
    if (follower != null) {
      replicate(peer, follower);
    }
  }

  void rejected(MemberId from, RaftMessage.AppendRejected rejected) {
    Progress follower = progress.get(from);
    if (follower == null) {
      return;
    }
    follower.markActive();
    LogPosition hint = rejected.hint();
    long agreed = state.log.lastIndexOfTermAtMost(hint.index(), hint.term());
    if (follower.rejected(rejected.rejected(), agreed)) {
      replicate(from, follower);
    }
  }

  void heartbeatAnswered(MemberId from) {
    Progress follower = progress.get(from);
    if (follower != null) {
      follower.markActive();
      replicate(from, follower);
    }
  }

  void snapshotSent(ReplicaMessage.SnapshotSent sent) {
    Progress follower = progress.get(sent.to());
    if (follower != null) {
      follower.snapshotDone(sent.delivered() ? sent.at().index() : 0);
    }
  }

  void unreachable(MemberId peer) {
    Progress follower = progress.get(peer);
    if (follower != null) {
      follower.becomeProbe();
    }
  }

  /** The highest index that a quorum has on disk. */
  long reachedByQuorum() {
    return Majority.reached(
        state.configuration().voters(),
        voter -> voter.equals(state.self) ? state.log.stable() : of(voter).match());
  }

  /** CheckQuorum (thesis 6.2): whether a quorum was heard since the last call. */
  boolean takeQuorumHeard() {
    Set<MemberId> heard = new HashSet<>();
    heard.add(state.self);
    progress.forEach(
        (peer, follower) -> {
          if (follower.takeActive()) {
            heard.add(peer);
          }
        });
    return Majority.holds(state.configuration().voters(), heard::contains);
  }

  /** Whether a follower has the whole log on its disk. */
  boolean isLevel(MemberId peer) {
    return of(peer).match() == state.log.lastIndex();
  }

  /** The voter that is furthest among those heard; {@link MemberId#NONE} if none is. */
  MemberId furthestVoter() {
    MemberId furthest = MemberId.NONE;
    long match = -1;
    for (MemberId voter : state.otherVoters()) {
      Progress follower = of(voter);
      if (follower.isActive() && follower.match() > match) {
        furthest = voter;
        match = follower.match();
      }
    }
    return furthest;
  }

  /** No follower that is heard needs an entry up to this one. */
  long neededBehind() {
    long needed = Long.MAX_VALUE;
    for (Progress follower : progress.values()) {
      if (follower.isActive()) {
        needed = Math.min(needed, follower.needsBehind());
      }
    }
    return needed;
  }

  ReplicationReport report() {
    Map<MemberId, ReplicationReport.PeerProgress> followers = new LinkedHashMap<>();
    progress.forEach(
        (peer, follower) ->
            followers.put(
                peer,
                new ReplicationReport.PeerProgress(
                    follower.match(), follower.mode(), follower.isActive())));
    return new ReplicationReport(state.log.lastIndex(), state.log.committed(), followers);
  }

  private Progress of(MemberId member) {
    Progress follower = progress.get(member);
    if (follower == null) {
      throw new IllegalStateException("no progress of member " + member + ": " + state);
    }
    return follower;
  }
}
