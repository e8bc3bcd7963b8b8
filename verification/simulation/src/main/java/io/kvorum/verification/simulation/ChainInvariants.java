package io.kvorum.verification.simulation;

import io.kvorum.actors.divergence.Divergence;
import io.kvorum.actors.raft.log.Entry;
import java.util.HashMap;
import java.util.Map;

/**
 * The rolling hashes of all members are the same at the same revision, and no leader takes a member
 * for one that differs.
 */
final class ChainInvariants implements Invariant {
  private final Map<Long, Long> hashes = new HashMap<>();
  private final boolean expected;

  /**
   * @param expected whether members differ on purpose
   */
  ChainInvariants(boolean expected) {
    this.expected = expected;
  }

  @Override
  public void applied(Life life, Entry entry, Store.Applied applied) {
    same(life, applied.after());
  }

  @Override
  public void installed(Life life, Store snapshot) {
    same(life, snapshot);
  }

  private void same(Life life, Store store) {
    Long other = hashes.putIfAbsent(store.revision(), store.chain());
    Violation.check(
        expected || other == null || other == store.chain(),
        "rolling hashes agree",
        () -> life.id() + " has another one at revision " + store.revision());
  }

  @Override
  public void diverged(Life leader, Divergence divergence) {
    Violation.check(
        expected, "nobody is taken for different", () -> leader.id() + " says: " + divergence);
  }
}
