package io.kvorum.verification.simulation;

import io.kvorum.actors.raft.log.Entry;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * All state machines are the same at the same index: every entry is applied once, in order, and a
 * snapshot holds what its sender had.
 */
final class StoreInvariants implements Invariant {
  private final Map<Long, Long> digests = new HashMap<>();

  @Override
  public void applied(Life life, Entry entry, Store.Applied applied) {
    long before = life.store().applied().index();
    Violation.check(
        entry.index() == before + 1,
        "every entry is applied once, in order",
        () -> life.id() + " applies " + Wording.entry(entry) + " when it is at " + before);
    same(life, applied.after());
  }

  @Override
  public void installed(Life life, Store snapshot) {
    same(life, snapshot);
  }

  private void same(Life life, Store store) {
    Long other = digests.putIfAbsent(store.applied().index(), store.digest());
    Violation.check(
        other == null || other == store.digest(),
        "state machines agree",
        () -> life.id() + " differs from another at " + Wording.at(store.applied()));
  }

  @Override
  public void finished(List<Life> members) {
    Store first = members.getFirst().store();
    for (Life life : members) {
      Violation.check(
          life.store().equals(first),
          "all members end alike",
          () -> life.id() + " ends with " + life.store() + ", another with " + first);
    }
  }
}
