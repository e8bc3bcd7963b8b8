package io.kvorum.actors.raft;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.ExtensibleBehavior;
import org.apache.pekko.actor.typed.Signal;
import org.apache.pekko.actor.typed.TypedActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * What is the same in every role: the treatment of terms, the answer to a request for a vote, and
 * the write to disk that closes the handling of each message.
 */
abstract sealed class Role extends ExtensibleBehavior<ReplicaMessage>
    permits Follower, PreCandidate, Candidate, Leader {
  final ReplicaState state;

  Role(ReplicaState state) {
    this.state = state;
  }

  @Override
  public final Behavior<ReplicaMessage> receive(
      TypedActorContext<ReplicaMessage> context, ReplicaMessage message) {
    Role next = onMessage(context, message);
    state.persistPending();
    return next == this ? Behaviors.same() : next;
  }

  @Override
  public final Behavior<ReplicaMessage> receiveSignal(
      TypedActorContext<ReplicaMessage> context, Signal signal) {
    return Behaviors.unhandled();
  }

  /** The role after this message; {@code this} to stay. */
  abstract Role onMessage(TypedActorContext<ReplicaMessage> context, ReplicaMessage message);

  /** A peer's message of the present term, or an answer to a pre-vote. */
  abstract Role onCurrent(
      TypedActorContext<ReplicaMessage> context, MemberId from, RaftMessage message);

  /**
   * Whether a leader was heard within the last election timeout: then no vote is given (thesis
   * 4.2.3).
   */
  abstract boolean hearsLeader();

  /** A vote was given to another member in the present term. */
  abstract void voted();

  final Role onPeer(TypedActorContext<ReplicaMessage> context, MemberId from, RaftMessage message) {
    if (message instanceof RaftMessage.VoteRequest request) {
      return onVoteRequest(from, request);
    }
    if (message.term() > state.term() && !isPreVoteGrant(message)) {
      return Transitions.follow(state, message.term(), leaderNamedBy(from, message))
          .onCurrent(context, from, message);
    }
    if (message.term() < state.term()) {
      answerStale(from, message);
      return this;
    }
    return onCurrent(context, from, message);
  }

  /** A granted pre-vote carries the term that is asked for, which nobody has reached yet. */
  private static boolean isPreVoteGrant(RaftMessage message) {
    return message instanceof RaftMessage.VoteResponse r && r.preVote() && r.granted();
  }

  private static MemberId leaderNamedBy(MemberId from, RaftMessage message) {
    return switch (message) {
      case RaftMessage.Append a -> from;
      case RaftMessage.Heartbeat h -> from;
      case RaftMessage.VoteRequest r -> MemberId.NONE;
      case RaftMessage.VoteResponse r -> MemberId.NONE;
      case RaftMessage.Appended a -> MemberId.NONE;
      case RaftMessage.AppendRejected a -> MemberId.NONE;
      case RaftMessage.HeartbeatResponse h -> MemberId.NONE;
      case RaftMessage.Forward f -> MemberId.NONE;
      case RaftMessage.ReadIndexRequest r -> MemberId.NONE;
      case RaftMessage.ReadIndexResponse r -> from;
      case RaftMessage.TimeoutNow t -> from;
      case RaftMessage.Refused r -> from;
    };
  }

  /** A leader of an older term learns of the newer one from the answer, and steps down. */
  private void answerStale(MemberId from, RaftMessage message) {
    if (message instanceof RaftMessage.Append || message instanceof RaftMessage.Heartbeat) {
      state.send(from, new RaftMessage.HeartbeatResponse(state.term(), 0));
    }
  }

  private Role onVoteRequest(MemberId from, RaftMessage.VoteRequest request) {
    if (request.term() > state.term() && hearsLeader()) {
      return this;
    }
    Role role = this;
    if (request.term() > state.term() && !request.preVote()) {
      role = Transitions.follow(state, request.term(), MemberId.NONE);
    }
    boolean free =
        state.vote().equals(from)
            || (state.vote().equals(MemberId.NONE) && state.leader().equals(MemberId.NONE))
            || (request.preVote() && request.term() > state.term());
    boolean granted =
        request.term() >= state.term() && free && state.log.isUpToDate(request.last());
    long term = granted ? request.term() : state.term();
    var response = new RaftMessage.VoteResponse(term, granted, request.preVote());
    if (granted && !request.preVote()) {
      state.hardState(new HardState(request.term(), from));
      role.voted();
    }
    state.sendAfterSync(from, response);
    return role;
  }

  /** The disk failed: a member that cannot persist must not lead others. */
  final Role onStorageFailed() {
    state.storageFails();
    return state.configuration().isSoleVoter(state.self)
        ? this
        : Transitions.follow(state, state.term(), MemberId.NONE);
  }

  /** Refuses what cannot be written now. */
  final void refuseForStorage(Proposal proposal) {
    state.ports.replies().refused(proposal.requestId(), EtcdError.NO_SPACE);
  }
}
