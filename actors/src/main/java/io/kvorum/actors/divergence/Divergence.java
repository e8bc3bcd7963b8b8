package io.kvorum.actors.divergence;

import io.kvorum.protocol.MemberId;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Members that do not hold what the others do.
 *
 * @param deviating who holds something else than a majority of all voters; empty if no majority
 *     holds the same
 * @param suspect the member in whose comparison with the leader it was found
 * @param agreed the newest revision at which suspect and leader are known to have agreed
 * @param differing the oldest at which they are known to differ
 */
public record Divergence(Set<MemberId> deviating, MemberId suspect, long agreed, long differing) {
  public Divergence {
    deviating = Set.copyOf(deviating);
    if (differing <= agreed) {
      throw new IllegalArgumentException(
          suspect + " agrees at " + agreed + " and not at " + differing);
    }
  }

  /** Whether the first bad revision is known, which is {@link #differing} then. */
  public boolean isExact() {
    return differing == agreed + 1;
  }

  /** What an operator is told. */
  String text() {
    String who =
        deviating.isEmpty()
            ? "member " + suspect + " and the leader hold different data"
            : deviating.stream()
                .map(MemberId::toString)
                .sorted()
                .collect(Collectors.joining(", ", "member ", " holds other data than the others"));
    String since =
        isExact()
            ? ": the first bad revision is " + differing
            : ": the first bad revision is one of " + (agreed + 1) + " to " + differing;
    return who + since + (deviating.isEmpty() ? ", and no majority says who is wrong" : "");
  }
}
