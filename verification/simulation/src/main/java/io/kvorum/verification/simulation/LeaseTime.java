package io.kvorum.verification.simulation;

import io.kvorum.actors.apply.AppliedIndex;
import io.kvorum.actors.apply.PendingProposals;
import io.kvorum.actors.lease.LeaseCall;
import io.kvorum.actors.lease.LeaseEffects;
import io.kvorum.actors.lease.LeaseRules;
import io.kvorum.actors.lease.Lessor;
import io.kvorum.actors.raft.Proposal;
import io.kvorum.actors.raft.ReplicaMessage;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.persistence.mvcc.LeaseChange;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.internal.Command;
import io.kvorum.protocol.internal.CommandHeader;
import io.kvorum.protocol.internal.LeaseCheckpoints;
import io.kvorum.protocol.internal.LeaseExpiry;
import java.time.Duration;
import java.util.List;

/** Production's lessor in a process, with the machine's clock, which goes a little wrong. */
final class LeaseTime implements LeaseEffects {
  /** Clocks go wrong by so much at most, to either side. */
  static final double MAX_DRIFT = 0.002;

  /** Set in the tokens of read rounds that the lessor asks for. */
  private static final long TOKENS = 1L << 62;

  private final Life life;
  private final World world;
  private final PendingProposals proposals;
  private final AppliedIndex applied;
  private final Lessor lessor;
  private long armedFor = Long.MAX_VALUE;

  LeaseTime(Life life, PendingProposals proposals, AppliedIndex applied) {
    this.life = life;
    this.world = life.member().world();
    this.proposals = proposals;
    this.applied = applied;
    this.lessor =
        new Lessor(rules(world.setup()), this, ((world.agenda().now() + 1) << 20) | TOKENS);
  }

  /** Checkpoints come about when clients renew, so that the two often meet. */
  private static LeaseRules rules(Setup setup) {
    return new LeaseRules(
        2,
        Duration.ofMillis(setup.tickMicros() * setup.raft().electionTimeoutTicks() / Agenda.MILLIS),
        Duration.ofNanos(setup.requestTimeoutNanos()),
        Duration.ofMillis(620),
        Duration.ofMillis(100));
  }

  private long now() {
    return (long) (world.agenda().now() * 1000.0 * life.member().clockRate());
  }

  void load(Store store) {
    lessor.load(store.applied().index(), store.leases().leases().values()::forEach);
  }

  void changed(long index, List<LeaseChange> changes) {
    lessor.changed(index, changes, now());
    arm();
  }

  void leads(long term) {
    lessor.leads(term, now());
    arm();
  }

  void follows() {
    lessor.follows();
  }

  void call(LeaseCall call) {
    lessor.call(call, now());
    arm();
  }

  static boolean isToken(long token) {
    return (token & TOKENS) != 0;
  }

  void confirmed(long token, long index) {
    lessor.confirmed(token, index, now());
    arm();
  }

  private void arm() {
    long next = lessor.nextWakeNanos();
    if (next < armedFor) {
      armedFor = next;
      double micros = Math.max(0, next - now()) / 1000.0 / life.member().clockRate();
      world.agenda().in((long) Math.ceil(micros) + 1, () -> life.post(() -> wake(next)));
    }
  }

  private void wake(long due) {
    if (due == armedFor) {
      armedFor = Long.MAX_VALUE;
      lessor.wake(now());
      arm();
    }
  }

  @Override
  public void readIndex(long token) {
    life.tell(new ReplicaMessage.ReadIndex(token));
  }

  @Override
  public void awaitApplied(long token, long index) {
    applied.whenReached(index, () -> world.agenda().in(0, () -> life.post(() -> onApplied(token))));
  }

  private void onApplied(long token) {
    lessor.applied(token, now());
    arm();
  }

  @Override
  public void propose(long number, LeaseExpiry expiry) {
    world.trace().note(life.id(), "sees the end of leases " + expiry.getIdsList());
    propose(number, Command.newBuilder().setLeaseExpiry(expiry));
  }

  @Override
  public void propose(long number, LeaseCheckpoints checkpoints) {
    propose(number, Command.newBuilder().setLeaseCheckpoints(checkpoints));
  }

  private void propose(long number, Command.Builder command) {
    long id = proposals.nextId();
    var unused =
        proposals
            .awaitUrgent(id, world.agenda().now() * 1000)
            .thenAccept(
                outcome ->
                    life.post(
                        () -> {
                          lessor.proposed(
                              number,
                              outcome instanceof Outcome.Ok<Object>(var done)
                                  && Boolean.TRUE.equals(done),
                              now());
                          arm();
                        }));
    life.tell(
        new ReplicaMessage.Propose(
            new Proposal(
                id,
                EntryKind.COMMAND,
                command.setHeader(CommandHeader.newBuilder().setId(id)).build().toByteString())));
  }

  @Override
  public void renewed() {}

  @Override
  public void expired(int leases) {}
}
