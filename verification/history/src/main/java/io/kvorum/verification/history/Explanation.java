package io.kvorum.verification.history;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Why a history has no linearization, in a few lines. */
final class Explanation {
  private static final int SHOWN = 8;

  private Explanation() {}

  /**
   * @param operations of the shortest prefix of the history that cannot be put in order; its last
   *     answer is the one that no longer fits
   * @param longest the longest order that a store could have carried out
   * @param state where that order leads
   */
  static String of(List<Operation> operations, List<Integer> longest, StoreModel.State state) {
    StringBuilder text = new StringBuilder();
    Operation culprit =
        operations.stream()
            .filter(o -> !o.isPending())
            .reduce((a, b) -> b.returnedAt() > a.returnedAt() ? b : a)
            .orElseThrow();
    text.append("not linearizable: with this answer no order of the operations is left\n  ")
        .append(culprit)
        .append('\n');
    text.append("the longest order that works ends with\n");
    if (longest.size() > SHOWN) {
      text.append("  ... ").append(longest.size() - SHOWN).append(" before\n");
    }
    longest.stream()
        .skip(Math.max(0, longest.size() - SHOWN))
        .forEach(i -> text.append("  ").append(operations.get(i)).append('\n'));
    text.append("and leads to ")
        .append(state)
        .append(" at revision ")
        .append(state.revision())
        .append("; from there none of these can come next\n");
    Set<Integer> done = new HashSet<>(longest);
    int shown = 0;
    for (int i = 0; i < operations.size() && shown < SHOWN; i++) {
      if (!done.contains(i)) {
        text.append("  ").append(operations.get(i)).append('\n');
        shown++;
      }
    }
    return text.toString();
  }
}
