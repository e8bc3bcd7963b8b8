package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.etcd.jetcd.api.MaintenanceGrpc;
import io.etcd.jetcd.api.StatusRequest;
import io.kvorum.verification.conformance.differential.AlarmDifferential;
import io.kvorum.verification.conformance.differential.DowngradeDifferential;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.Directories;
import io.kvorum.verification.conformance.harness.ServerProcess;
import io.kvorum.verification.conformance.harness.ServerProcess.Settings;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Alarms, what they refuse, and downgrades, at an etcd 3.7 and at Kvorum: {@code
 * -Detcd.binary=PATH}. Debian's 3.4 knows no downgrades, does not count what a nested transaction
 * costs, and forgets one alarm's refusals when another is cleared.
 */
class AlarmDifferentialTest {
  private static final Settings SETTINGS =
      Settings.plain()
          .dataUnder(Directories.fast())
          .advertisingPeer("http://localhost:1")
          .flags("--quota-backend-bytes=" + AlarmDifferential.QUOTA_BYTES);

  private final ServerProcess right = ServerProcess.notStarted(Binaries.etcd(), SETTINGS);
  private final ServerProcess given = ServerProcess.notStarted(Binaries.kvorum(), SETTINGS);

  @SuppressWarnings("NullAway.Init")
  private Connection reference;

  @SuppressWarnings("NullAway.Init")
  private Connection subject;

  @BeforeEach
  void start() {
    right.launch();
    given.launch();
    right.awaitReady();
    given.awaitReady();
    reference = Connection.to(right.address());
    subject = Connection.to(given.address());
    var version =
        MaintenanceGrpc.newBlockingStub(reference.channel())
            .status(StatusRequest.getDefaultInstance())
            .getVersion();
    assumeFalse(!version.startsWith("3.7."), "the reference is " + version);
  }

  @AfterEach
  void stop() {
    reference.close();
    subject.close();
    right.close();
    given.close();
  }

  @Test
  void alarmsAndWhatTheyRefuseAreEqual() {
    long compared = new AlarmDifferential(reference, subject).run();
    assertTrue(compared > 150, compared + " answers");
  }

  @Test
  void downgradesAreEqual() {
    long compared = new DowngradeDifferential(reference, subject).run("3.7.0", "3.6");
    assertTrue(compared > 60, compared + " answers");
  }
}
