package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.verification.conformance.differential.HashDifferential;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.Directories;
import io.kvorum.verification.conformance.harness.ServerProcess;
import io.kvorum.verification.conformance.harness.ServerProcess.Settings;
import org.junit.jupiter.api.Test;

/**
 * The same writes and compactions to Debian's etcd and to Kvorum, and HashKV of both. With {@code
 * -Detcd.binary=PATH} against any other etcd; replay a seed with {@code -Dkvorum.seed=SEED}.
 */
class HashKvTest {
  private static final long SEED = Long.getLong("kvorum.seed", 1);
  private static final int ROUNDS = Integer.getInteger("kvorum.rounds", 20);

  @Test
  void allHashesAreEqual() {
    var settings = Settings.plain().dataUnder(Directories.fast());
    try (var right = ServerProcess.start(Binaries.etcd(), settings);
        var given = ServerProcess.start(Binaries.kvorum(), settings);
        var reference = Connection.to(right.address());
        var subject = Connection.to(given.address())) {
      long compared = new HashDifferential(reference, subject, SEED).run(ROUNDS);
      assertTrue(compared > 20L * ROUNDS, compared + " hashes");
    } catch (AssertionError difference) {
      throw new AssertionError("seed " + SEED + ", replay with -Dkvorum.seed=" + SEED, difference);
    }
  }
}
