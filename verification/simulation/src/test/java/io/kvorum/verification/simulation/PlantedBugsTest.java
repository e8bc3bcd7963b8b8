package io.kvorum.verification.simulation;

import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The simulation sees: each of many classic bugs, planted one at a time, is found. The output says
 * after how many seeds and by which invariant.
 */
final class PlantedBugsTest {
  /** Seeds after which a bug counts as not found. */
  private static final int BOUND = 500;

  static Stream<PlantedBugs.Bug> bugs() {
    String one = System.getProperty("simulation.bug");
    return PlantedBugs.all().filter(bug -> one == null || bug.name().equals(one));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("bugs")
  void isFound(PlantedBugs.Bug bug) {
    String found = null;
    int seed = 0;
    while (found == null && seed < BOUND) {
      found = bug.run().apply(++seed);
    }
    System.out.printf("%-55s %4d seeds  %s%n", bug.name(), seed, found);
    assertNotNull(found, bug.name() + " is not found by " + BOUND + " seeds");
  }
}
