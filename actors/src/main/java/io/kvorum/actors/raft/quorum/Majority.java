package io.kvorum.actors.raft.quorum;

import io.kvorum.protocol.MemberId;
import java.util.Arrays;
import java.util.Collection;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;

/** Arithmetic of majorities. */
public final class Majority {
  private Majority() {}

  /** How an election stands. */
  public enum Tally {
    WON,
    LOST,
    OPEN
  }

  /** How many of {@code voters} members make a quorum. */
  public static int size(int voters) {
    return voters / 2 + 1;
  }

  /** Whether the members for which {@code holds} is true include a quorum. No voters: never. */
  public static boolean holds(Collection<MemberId> voters, Predicate<MemberId> holds) {
    int count = 0;
    for (MemberId voter : voters) {
      if (holds.test(voter)) {
        count++;
      }
    }
    return !voters.isEmpty() && count >= size(voters.size());
  }

  /**
   * Counts the votes given so far ({@code true} granted, {@code false} refused, absent: not
   * answered).
   */
  public static Tally tally(Collection<MemberId> voters, Map<MemberId, Boolean> votes) {
    if (holds(voters, v -> Boolean.TRUE.equals(votes.get(v)))) {
      return Tally.WON;
    }
    boolean canStillWin = holds(voters, v -> !Boolean.FALSE.equals(votes.get(v)));
    return canStillWin ? Tally.OPEN : Tally.LOST;
  }

  /** The highest index that a quorum has reached (thesis 3.6.2); 0 without voters. */
  public static long reached(Collection<MemberId> voters, ToLongFunction<MemberId> index) {
    if (voters.isEmpty()) {
      return 0;
    }
    long[] indexes = new long[voters.size()];
    int at = 0;
    for (MemberId voter : voters) {
      indexes[at++] = index.applyAsLong(voter);
    }
    Arrays.sort(indexes);
    return indexes[indexes.length - size(indexes.length)];
  }
}
