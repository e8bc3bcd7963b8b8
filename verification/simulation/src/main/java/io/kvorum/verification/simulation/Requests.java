package io.kvorum.verification.simulation;

import io.kvorum.actors.apply.AppliedIndex;
import io.kvorum.actors.apply.PendingProposals;
import io.kvorum.actors.group.ReadCoordinator;
import io.kvorum.actors.lease.LeaseCall;
import io.kvorum.actors.raft.Proposal;
import io.kvorum.actors.raft.ReplicaMessage;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.internal.Command;
import io.kvorum.protocol.internal.CommandHeader;
import io.kvorum.protocol.internal.MembershipChange;
import io.kvorum.verification.history.Request;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import java.util.function.Supplier;

/** What clients ask of a process, and what there waits for an answer. */
final class Requests {
  private static final long READ_RESEND_NANOS = 500_000_000L;

  private final Life life;
  private final World world;
  private final PendingProposals proposals;
  private final ReadCoordinator reads;

  /** For each read round asked for: what was committed at that moment. */
  private final Map<Long, Long> readFloors = new HashMap<>();

  Requests(Life life, PendingProposals proposals, AppliedIndex applied) {
    this.life = life;
    this.world = life.member().world();
    this.proposals = proposals;
    this.reads =
        new ReadCoordinator(
            this::askReadIndex,
            applied,
            Runnable::run,
            world.setup().requestTimeoutNanos(),
            READ_RESEND_NANOS,
            (world.agenda().now() + 1) << 20);
  }

  void propose(Request request, Consumer<Outcome<Object>> then) {
    propose(id -> new Proposal(id, EntryKind.COMMAND, Store.encode(request, id)), then);
  }

  void propose(Command.Builder command, Consumer<Outcome<Object>> then) {
    propose(
        id ->
            new Proposal(
                id,
                EntryKind.COMMAND,
                command.setHeader(CommandHeader.newBuilder().setId(id)).build().toByteString()),
        then);
  }

  void change(MembershipChange.Builder change, Consumer<Outcome<Object>> then) {
    propose(
        id ->
            new Proposal(id, EntryKind.MEMBERSHIP, change.setRequestId(id).build().toByteString()),
        then);
  }

  private void propose(LongFunction<Proposal> proposal, Consumer<Outcome<Object>> then) {
    life.post(
        () -> {
          long id = proposals.nextId();
          var unused = proposals.await(id, nanos()).thenAccept(done -> ifAlive(then, done));
          life.tell(new ReplicaMessage.Propose(proposal.apply(id)));
        });
  }

  /**
   * Refused where it is not the one that leads; a call to a process that is gone is not answered.
   */
  void renewLease(long lease, Consumer<Outcome<Long>> then) {
    CompletableFuture<Outcome<Long>> reply = new CompletableFuture<>();
    var unused =
        reply.thenAccept(
            outcome -> {
              if (!life.isDead()) {
                world.agenda().in(world.network().delay(), () -> then.accept(outcome));
              }
            });
    world
        .agenda()
        .in(
            world.network().delay(),
            () -> life.post(() -> life.leases().call(new LeaseCall.Renew(lease, reply))));
  }

  void read(String key, Consumer<Outcome<Object>> then) {
    read(() -> life.store().get(key), then);
  }

  void readLeases(Consumer<Outcome<Object>> then) {
    read(() -> life.store().leases(), then);
  }

  private void read(Supplier<Object> answer, Consumer<Outcome<Object>> then) {
    life.post(
        () -> {
          var unused =
              reads.barrier(nanos()).thenAccept(done -> ifAlive(then, done.map(d -> answer.get())));
        });
  }

  private void ifAlive(Consumer<Outcome<Object>> then, Outcome<Object> outcome) {
    if (!life.isDead()) {
      then.accept(outcome);
    }
  }

  private void askReadIndex(long token) {
    readFloors.put(token, world.committed());
    life.tell(new ReplicaMessage.ReadIndex(token));
  }

  void confirmed(long token, long index) {
    Long floor = readFloors.remove(token);
    if (floor != null) {
      world.invariants().readConfirmed(life, floor, index);
    }
    reads.confirmed(token, index, nanos());
  }

  void refused(long id, EtcdError error) {
    proposals.complete(id, Outcome.refused(error));
  }

  /** Another member leads, or none. */
  void failReads() {
    reads.failAll(EtcdError.LEADER_CHANGED);
  }

  /** Answers those that have waited too long. */
  void expire() {
    long now = nanos();
    proposals.expire(now);
    reads.expire(now);
  }

  private long nanos() {
    return world.agenda().now() * 1000;
  }
}
