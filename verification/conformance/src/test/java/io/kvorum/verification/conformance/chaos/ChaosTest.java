package io.kvorum.verification.conformance.chaos;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Directories;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Faults on a running cluster, one after the other; {@code verification/campaign chaos} runs more
 * of them, for longer.
 */
class ChaosTest {
  private static final long SEED = 20_264;
  private static final Duration HOLD = Duration.ofMillis(1500);
  private static final int LONG_ROUNDS = 40;

  private static @Nullable Chaos three;

  @AfterAll
  static void stop() {
    if (three != null) three.close();
    three = null;
  }

  /** The absence first: where logs were long, it has to end with a snapshot. */
  static List<Fault> shortRun() {
    return List.of(
        Fault.AWAY_FOR_SNAPSHOT, Fault.KILL_LEADER, Fault.PAUSE_LEADER, Fault.PARTITION_LEADER);
  }

  @ParameterizedTest
  @MethodSource("shortRun")
  void threeMembersKeepOneHistory(Fault fault) {
    var chaos = three == null ? start(3) : three;
    three = null; // whoever fails leaves nothing to go on with
    try {
      assumeTrue(chaos.fits(fault), "may not make network namespaces");
      var round = chaos.round(fault, HOLD);
      if (fault == Fault.AWAY_FOR_SNAPSHOT) assertTrue(round.snapshotReceived(), round::toString);
      three = chaos;
    } finally {
      if (three == null) chaos.close();
    }
  }

  @Test
  @Tag("long")
  void fiveMembersStandTheLossOfTwo() {
    try (var five = start(5)) {
      var unused = five.round(Fault.KILL_MINORITY, HOLD);
    }
  }

  @Test
  @Tag("long")
  void threeMembersKeepOneHistoryThroughAllFaults() {
    try (var chaos = start(3)) {
      for (int round = 0; round < LONG_ROUNDS; round++) {
        var fault = Fault.values()[round % Fault.values().length];
        if (chaos.fits(fault)) {
          var unused = chaos.round(fault, HOLD.multipliedBy(2));
        }
      }
    }
  }

  private static Chaos start(int members) {
    return Chaos.start(
        new Chaos.Settings(
            Binaries.kvorum(),
            members,
            SEED,
            Directories.fast(),
            false,
            Path.of("target/chaos").toAbsolutePath()));
  }
}
