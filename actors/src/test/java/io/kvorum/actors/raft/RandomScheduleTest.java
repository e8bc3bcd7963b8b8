package io.kvorum.actors.raft;

import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A group whose messages are lost, delayed, doubled and reordered, whose members crash with the
 * loss of all that was not synced, are added, promoted and removed, hand over leadership, and lag
 * so far behind that they need snapshots. {@link RandomCluster} checks the thesis's claims after
 * each step. In the end, on a quiet network, what is proposed is applied by all members.
 *
 * <p>Replay one seed: {@code mvn -pl actors test -Dtest=RandomScheduleTest -Draft.seed=N}; run
 * others: {@code -Draft.firstSeed=N -Draft.seeds=N}.
 */
final class RandomScheduleTest {
  private static final int STEPS = 3000;

  static IntStream seeds() {
    Integer one = Integer.getInteger("raft.seed");
    int first = Integer.getInteger("raft.firstSeed", 0);
    return one == null
        ? IntStream.range(first, first + Integer.getInteger("raft.seeds", 150))
        : IntStream.of(one);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void oneHistory(int seed) {
    RandomCluster cluster = new RandomCluster(seed);
    for (int step = 0; step < STEPS; step++) {
      cluster.step();
    }
    cluster.settle();
  }
}
