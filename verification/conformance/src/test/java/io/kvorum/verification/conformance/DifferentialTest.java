package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.PutRequest;
import io.kvorum.verification.conformance.differential.Differential;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.Directories;
import io.kvorum.verification.conformance.harness.ServerProcess;
import io.kvorum.verification.conformance.harness.ServerProcess.Settings;
import java.util.HashSet;
import org.junit.jupiter.api.Test;

/**
 * The same requests to Debian's etcd and to Kvorum. {@code verification/campaign differential} runs
 * more, against any etcd.
 */
class DifferentialTest {
  private static final long SEED = 1;
  private static final long REQUESTS = 20_000;

  @Test
  void allAnswersAreEqual() {
    var settings = Settings.plain().dataUnder(Directories.fast());
    try (var right = ServerProcess.start(Binaries.etcd(), settings);
        var given = ServerProcess.start(Binaries.kvorum(), settings);
        var reference = Connection.to(right.address());
        var subject = Connection.to(given.address())) {
      var differential = new Differential(reference, subject, SEED);
      var result = run(differential);
      assertEquals(REQUESTS, result.requests());
      assertEquals(
          new HashSet<>(differential.expected()),
          result.differences().keySet(),
          "every difference that is named has to occur, or the list is stale");
    }
  }

  /** Two real etcds, of which one has had a write more: the comparison is worth what it notices. */
  @Test
  void noticesServersThatDiffer() {
    var settings = Settings.plain().dataUnder(Directories.fast());
    try (var right = ServerProcess.start(Binaries.etcd(), settings);
        var other = ServerProcess.start(Binaries.etcd(), settings);
        var reference = Connection.to(right.address());
        var subject = Connection.to(other.address())) {
      var stray = PutRequest.newBuilder().setKey(ByteString.copyFromUtf8("unseen")).build();
      assertEquals(2, subject.kv().put(stray).getHeader().getRevision());
      var differential = new Differential(reference, subject, SEED);
      var noticed =
          assertThrows(Differential.Mismatch.class, () -> differential.run(100, done -> {}));
      assertTrue(String.valueOf(noticed.getMessage()).contains("revision: 2"), noticed::toString);
    }
  }

  private static Differential.Result run(Differential differential) {
    try {
      return differential.run(REQUESTS, done -> {});
    } catch (Differential.Mismatch mismatch) {
      throw new AssertionError(
          "seed %d, replay with: verification/campaign differential --seed %d --requests %d%n%s"
              .formatted(SEED, SEED, REQUESTS, mismatch.getMessage()),
          mismatch);
    }
  }
}
