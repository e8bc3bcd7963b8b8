package io.kvorum.verification.simulation;

import io.kvorum.actors.raft.ReplicaMessage;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.actors.raft.quorum.Majority;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.MembershipChange;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Who changes the membership and moves leadership, through any member and without waiting for one
 * change to be done before asking for the next. Looks at what is committed only, as an operator
 * would who lists the members first.
 */
final class Operator {
  private static final int MAX_MEMBERS = 7;
  private static final int MAX_VOTERS = 5;

  /**
   * As in etcd, of two voters the one that leads must not be removed: if the other does not learn
   * that its removal is committed, nobody is left who may lead.
   */
  private static final int MIN_VOTERS = 2;

  private final World world;

  Operator(World world) {
    this.world = world;
  }

  void transfer(SplittableRandom random) {
    Life leader = world.leader();
    Configuration configuration = world.configuration();
    if (leader != null && !configuration.voters().isEmpty()) {
      MemberId to = pick(random, configuration.voters());
      transfer(leader, to);
    }
  }

  void transfer(Life leader, MemberId to) {
    world.trace().note("operator", "asks " + leader.id() + " to hand over to " + to);
    leader.post(() -> leader.tell(new ReplicaMessage.TransferLeadership(to)));
  }

  void addLearner(SplittableRandom random) {
    if (mayAdd()) {
      Member added = world.build();
      added.start();
      propose(random, MembershipChange.Kind.ADD_LEARNER, added.id());
    }
  }

  void addVoter(SplittableRandom random) {
    if (mayAdd() && world.configuration().voters().size() < MAX_VOTERS) {
      Member added = world.build();
      added.start();
      propose(random, MembershipChange.Kind.ADD_VOTER, added.id());
    }
  }

  private boolean mayAdd() {
    return world.members().stream().filter(m -> !m.isGone()).count() < MAX_MEMBERS;
  }

  void promote(SplittableRandom random) {
    if (!world.configuration().learners().isEmpty()) {
      propose(
          random, MembershipChange.Kind.PROMOTE, pick(random, world.configuration().learners()));
    }
  }

  void remove(SplittableRandom random) {
    if (world.configuration().voters().size() > MIN_VOTERS) {
      propose(random, MembershipChange.Kind.REMOVE, pick(random, world.configuration().voters()));
    }
  }

  /**
   * Adds one as a learner, promotes it, and removes another, without looking what came of it; or
   * asks for an addition and a removal at the same moment.
   */
  void replace(SplittableRandom random) {
    if (random.nextBoolean()) {
      addVoter(random);
      remove(random);
      return;
    }
    addLearner(random);
    for (int i = 1; i <= 2; i++) {
      long delay = i * (500 + random.nextInt(1500)) * Agenda.MILLIS;
      world.agenda().in(delay, () -> promote(random));
    }
    world.agenda().in((2000 + random.nextInt(4000)) * Agenda.MILLIS, () -> remove(random));
  }

  private static MemberId pick(SplittableRandom random, Iterable<MemberId> ids) {
    List<MemberId> all = new ArrayList<>();
    ids.forEach(all::add);
    return all.get(random.nextInt(all.size()));
  }

  private void propose(SplittableRandom random, MembershipChange.Kind kind, MemberId id) {
    List<Life> lives = world.lives();
    if (!lives.isEmpty()) {
      propose(lives.get(random.nextInt(lives.size())), kind, id);
    }
  }

  void propose(Life at, MembershipChange.Kind kind, MemberId id) {
    MembershipChange.Builder change =
        MembershipChange.newBuilder()
            .setKind(kind)
            .setMemberId(id.value())
            .addPeerUrls("http://" + id);
    world.trace().note("operator", "asks " + at.id() + " to " + Wording.change(change.build()));
    at.requests()
        .change(change, outcome -> world.trace().note("operator", "is told " + told(outcome)));
  }

  private static String told(io.kvorum.protocol.Outcome<Object> outcome) {
    return switch (outcome) {
      case io.kvorum.protocol.Outcome.Ok<Object> ok -> "that it is done";
      case io.kvorum.protocol.Outcome.Refused<Object>(var error) -> error.text();
    };
  }

  /**
   * Members whose removal is committed are told by those who know of it, and leave. As long as no
   * quorum of the others knows, it may need their votes.
   */
  void sendHome() {
    for (Member member : world.members()) {
      if (world.isRemoved(member.id()) && !member.isGone() && isKnownWithout(member.id())) {
        member.leave();
      }
    }
  }

  private boolean isKnownWithout(MemberId removed) {
    return Majority.holds(
        world.configuration().voters(),
        voter -> {
          Life life = world.lifeOf(voter);
          return life != null && !life.configuration().isVoter(removed);
        });
  }
}
