package io.kvorum.actors.raft;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import java.util.ArrayList;
import java.util.List;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.ExtensibleBehavior;
import org.apache.pekko.actor.typed.Signal;
import org.apache.pekko.actor.typed.TypedActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.jspecify.annotations.Nullable;

/**
 * What is the same in every role: the treatment of terms, the answer to a request for a vote, and
 * the write to disk that closes the handling of each message.
 */
abstract sealed class Role extends ExtensibleBehavior<ReplicaMessage>
    permits Passive, Contender, Leader {
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

  /**
   * A peer's message of the present term, an answer to a pre-vote, or one that {@linkplain
   * #outlivesItsTerm outlives its term}.
   */
  abstract Role onCurrent(
      TypedActorContext<ReplicaMessage> context, MemberId from, RaftMessage message);

  /**
   * Takes charge of a proposal.
   *
   * @return why not, if not
   */
  abstract @Nullable EtcdError take(TypedActorContext<ReplicaMessage> context, Proposal proposal);

  /**
   * Whether a leader was heard within the last election timeout: then no vote is given (thesis
   * 4.2.3).
   */
  abstract boolean hearsLeader();

  /** A vote was given to another member in the present term. */
  abstract void voted();

  /** Another role takes over: what this one has gathered must not be lost with it. */
  abstract void leaving();

  /** Leaves this role for the one that a member has while it does not lead or campaign. */
  final Role follow(long term, MemberId leader) {
    leaving();
    return Transitions.follow(state, term, leader);
  }

  /** Leaves this role to ask for votes. */
  final Role campaign() {
    leaving();
    return Transitions.campaign(state);
  }

  final Role onPeer(TypedActorContext<ReplicaMessage> context, MemberId from, RaftMessage message) {
    if (message instanceof RaftMessage.VoteRequest request) {
      return onVoteRequest(from, request);
    }
    if (message.term() > state.term() && !isPreVoteGrant(message)) {
      return follow(message.term(), leaderNamedBy(from, message)).onCurrent(context, from, message);
    }
    if (message.term() < state.term() && !outlivesItsTerm(message)) {
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
      case RaftMessage.Committed c -> from;
      case RaftMessage.ReadIndexResponse r -> from;
      case RaftMessage.TimeoutNow t -> from;
      case RaftMessage.Refused r -> MemberId.NONE;
      case RaftMessage.VoteRequest r -> MemberId.NONE;
      case RaftMessage.VoteResponse r -> MemberId.NONE;
      case RaftMessage.Appended a -> MemberId.NONE;
      case RaftMessage.AppendRejected a -> MemberId.NONE;
      case RaftMessage.HeartbeatResponse h -> MemberId.NONE;
      case RaftMessage.Forward f -> MemberId.NONE;
      case RaftMessage.ReadIndexRequest r -> MemberId.NONE;
    };
  }

  /**
   * Whether what a message says is true whatever the term: a client's wish, the refusal of one, and
   * an index that was confirmed after it was asked for. Everything else of an older term counts for
   * nothing.
   */
  private static boolean outlivesItsTerm(RaftMessage message) {
    return switch (message) {
      case RaftMessage.Forward f -> true;
      case RaftMessage.Refused r -> true;
      case RaftMessage.ReadIndexRequest r -> true;
      case RaftMessage.ReadIndexResponse r -> true;
      case RaftMessage.Append a -> false;
      case RaftMessage.Heartbeat h -> false;
      case RaftMessage.Committed c -> false;
      case RaftMessage.TimeoutNow t -> false;
      case RaftMessage.VoteRequest r -> false;
      case RaftMessage.VoteResponse r -> false;
      case RaftMessage.Appended a -> false;
      case RaftMessage.AppendRejected a -> false;
      case RaftMessage.HeartbeatResponse h -> false;
    };
  }

  /**
   * A leader of an older term learns of the newer one from the answer, and steps down; otherwise a
   * member whose term ran ahead would neither follow it nor, since the others still hear it, get
   * their votes (etcd answers likewise).
   */
  private void answerStale(MemberId from, RaftMessage message) {
    if (message instanceof RaftMessage.Append || message instanceof RaftMessage.Heartbeat) {
      state.send(from, new RaftMessage.HeartbeatResponse(state.term(), 0));
    }
  }

  private Role onVoteRequest(MemberId from, RaftMessage.VoteRequest request) {
    if (request.term() > state.term() && hearsLeader() && !request.transfer()) {
      return this;
    }
    Role role = this;
    if (request.term() > state.term() && !request.preVote()) {
      role = follow(request.term(), MemberId.NONE);
    }
    boolean free =
        state.vote().equals(from)
            || (state.vote().equals(MemberId.NONE) && state.leader().equals(MemberId.NONE))
            || (request.preVote() && request.term() > state.term());
    boolean upToDate = state.isUpToDate(request.last());
    boolean granted = request.term() >= state.term() && free && upToDate;
    long term = granted ? request.term() : state.term();
    var response = new RaftMessage.VoteResponse(term, granted, request.preVote());
    if (granted && !request.preVote()) {
      state.hardState(new HardState(request.term(), from));
      role.voted();
    }
    state.sendAfterSync(from, response);
    if (request.preVote() && !upToDate && !hearsLeader()) {
      role.outdone();
    }
    return role;
  }

  /**
   * Somebody who misses what this member has asks for its vote, and there is no leader. Only who
   * has more can win: a voter that waits need not wait for the rest of its timeout.
   */
  void outdone() {}

  /** A client of this member proposes. */
  final void onPropose(TypedActorContext<ReplicaMessage> context, Proposal proposal) {
    EtcdError refusal = take(context, proposal);
    if (refusal != null) {
      state.ports.replies().refused(proposal.requestId(), refusal);
    }
  }

  /** A peer passes on what its clients propose; it is told what is not taken. */
  final void onForward(
      TypedActorContext<ReplicaMessage> context, MemberId from, List<Proposal> proposals) {
    List<Long> refused = new ArrayList<>();
    EtcdError reason = null;
    for (Proposal proposal : proposals) {
      EtcdError refusal = take(context, proposal);
      if (refusal != null) {
        reason = refusal;
        refused.add(proposal.requestId());
      }
    }
    if (reason != null) {
      state.refuse(from, refused, reason);
    }
  }

  /** A leader did not take what was forwarded to it. */
  final void onRefused(RaftMessage.Refused refused) {
    state.refuse(state.self, refused.requestIds(), refused.error());
  }

  final void onReadIndexResponse(RaftMessage.ReadIndexResponse response) {
    state.ports.replies().readIndex(response.token(), response.index());
  }

  /** A snapshot is asked for by a passive role only. */
  final IllegalStateException notInstalling(ReplicaMessage.SnapshotInstalled installed) {
    return new IllegalStateException(installed + " was not asked for: " + state);
  }
}
