package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.KVGrpc;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.RangeRequest;
import io.kvorum.verification.conformance.crash.CrashCampaign;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.ServerProcess;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What was acknowledged is there after the process is gone, however it went. */
class CrashTest {
  private static final long SEED = 20_261;
  private static final int KILLED_BY_TERM = 128 + 15;

  @Test
  void keepsEverythingAcknowledgedThroughAFewKills() {
    crash(3);
  }

  @Test
  @Tag("long")
  void keepsEverythingAcknowledgedThroughThirtyKills() {
    crash(30);
  }

  private static void crash(int cycles) {
    try (var server = ServerProcess.start(Binaries.kvorum())) {
      new CrashCampaign(server, SEED, line -> {}).run(cycles);
    } catch (AssertionError broken) {
      throw new AssertionError(
          "replay with: verification/campaign crash --seed " + SEED + " --cycles " + cycles,
          broken);
    }
  }

  @Test
  void endsBySignalOnTermAndStartsAgainOnItsData() {
    try (var server = ServerProcess.start(Binaries.kvorum())) {
      var key = ByteString.copyFromUtf8("kept");
      long revision = put(server, key);
      assertEquals(KILLED_BY_TERM, server.terminate(), server::output);
      server.startAgain();
      try (var connection = Connection.to(server.address())) {
        var range = connection.kv().range(RangeRequest.newBuilder().setKey(key).build());
        assertEquals(revision, range.getKvs(0).getModRevision());
        assertEquals(revision, range.getHeader().getRevision());
      }
    }
  }

  private static long put(ServerProcess server, ByteString key) {
    try (var connection = Connection.to(server.address())) {
      var put = PutRequest.newBuilder().setKey(key).setValue(key).build();
      return connection.kv(Duration.ofSeconds(10)).put(put).getHeader().getRevision();
    }
  }

  /** A process that stands still and goes on answers again, on the connections it had. */
  @Test
  void goesOnAfterAPause() {
    try (var server = ServerProcess.start(Binaries.kvorum());
        var connection = Connection.to(server.address())) {
      var put =
          PutRequest.newBuilder()
              .setKey(ByteString.copyFromUtf8("k"))
              .setValue(ByteString.EMPTY)
              .build();
      long before = connection.kv().put(put).getHeader().getRevision();
      server.pause();
      var meanwhile = KVGrpc.newFutureStub(connection.channel()).put(put);
      // longer than an election timeout, so that a leader that trusts its clock alone would have
      // lost its place
      assertFalse(Await.holdsWithin(Duration.ofMillis(1500), meanwhile::isDone));
      server.resume();
      assertTrue(Await.holdsWithin(Duration.ofSeconds(10), meanwhile::isDone));
      assertEquals(before + 1, meanwhile.resultNow().getHeader().getRevision());
    }
  }
}
