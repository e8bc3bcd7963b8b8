package io.kvorum.verification.simulation;

import io.kvorum.actors.apply.AppliedIndex;
import io.kvorum.actors.apply.MembershipState;
import io.kvorum.actors.apply.PendingProposals;
import io.kvorum.actors.raft.Ports;
import io.kvorum.actors.raft.ReplicaMessage;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.persistence.mvcc.LeaseChange;
import io.kvorum.persistence.mvcc.RevisionChain;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Applies what is committed to a process's store, in batches that take a while, and answers. */
final class StoreWriter implements Ports.Applier {
  private final Life life;
  private final Member member;
  private final World world;
  private final PendingProposals proposals;
  private final AppliedIndex applied;
  private final ArrayDeque<Entry> toApply = new ArrayDeque<>();
  private Store store;
  private RevisionChain chain;
  private long entriesSinceSync;
  private boolean applyDue;

  StoreWriter(Life life, Store stored, PendingProposals proposals) {
    this.life = life;
    this.member = life.member();
    this.world = member.world();
    this.proposals = proposals;
    this.store = stored;
    this.chain = stored.newChain();
    this.applied = new AppliedIndex(stored.applied());
  }

  Store store() {
    return store;
  }

  RevisionChain chain() {
    return chain;
  }

  AppliedIndex applied() {
    return applied;
  }

  /** A snapshot takes the place of everything, of what waits to be applied too. */
  void replace(Store snapshot) {
    toApply.clear();
    store = snapshot;
    life.leases().load(snapshot);
    chain = snapshot.newChain();
    applied.advance(snapshot.applied());
  }

  @Override
  public void apply(List<Entry> committed) {
    toApply.addAll(committed);
    applyLater();
  }

  private void applyLater() {
    if (!applyDue && !toApply.isEmpty()) {
      applyDue = true;
      world.agenda().in(world.around(member.applyMicros()), () -> life.post(this::applyBatch));
    }
  }

  private void applyBatch() {
    applyDue = false;
    List<Store.Applied> batch = new ArrayList<>();
    List<LeaseChange> leases = new ArrayList<>();
    boolean changesMembership = false;
    while (!toApply.isEmpty()) {
      Entry entry = toApply.removeFirst();
      Store.Applied next = world.tampering().applied(life, entry, store);
      world.invariants().applied(life, entry, next);
      int made = (int) (next.after().revision() - store.revision());
      store = next.after();
      long[] chains = new long[made];
      Arrays.fill(chains, store.chain());
      chain.append(store.applied().index(), chains, made);
      batch.add(next);
      leases.addAll(next.leaseChanges());
      changesMembership |= next.changesMembership();
    }
    if (batch.isEmpty()) {
      return;
    }
    world.trace().note(life.id(), "applied up to " + store.applied().index());
    member.store(store);
    if (!leases.isEmpty()) {
      life.leases().changed(store.applied().index(), leases);
    }
    applied.advance(store.applied());
    entriesSinceSync += batch.size();
    if (changesMembership) {
      syncStore(() -> tellMembership(batch));
      return;
    }
    answer(batch);
    if (entriesSinceSync >= world.setup().syncEntries()) {
      syncStore(this::applyLater);
    } else {
      applyLater();
    }
  }

  private void answer(List<Store.Applied> batch) {
    batch.forEach(a -> proposals.complete(a.requestId(), a.outcome()));
  }

  /** The replica before the callers, and neither before the keyspace is durable. */
  private void tellMembership(List<Store.Applied> batch) {
    Configuration changed = MembershipState.configuration(store.membership());
    world.trace().note(life.id(), "has " + Wording.configuration(changed));
    life.tell(new ReplicaMessage.ConfigurationApplied(changed, store.applied().index()));
    answer(batch);
    applyLater();
  }

  /** Makes the keyspace durable, which takes a while; meanwhile nothing is applied. */
  private void syncStore(Runnable then) {
    entriesSinceSync = 0;
    Store written = store;
    applyDue = true;
    world
        .agenda()
        .in(
            world.around(member.applyMicros()),
            () ->
                life.post(
                    () -> {
                      applyDue = false;
                      member.syncStore(written);
                      then.run();
                      life.tell(new ReplicaMessage.DurablyApplied(written.applied().index()));
                    }));
  }
}
