package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.DeleteRangeRequest;
import io.etcd.jetcd.api.MaintenanceGrpc;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.StatusRequest;
import io.etcd.jetcd.api.StatusResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.kvorum.verification.conformance.cluster.Cluster;
import io.kvorum.verification.conformance.cluster.Cluster.Setup;
import io.kvorum.verification.conformance.cluster.Loopback;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Command;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.Directories;
import io.kvorum.verification.conformance.harness.ServerProcess;
import io.kvorum.verification.conformance.harness.ServerProcess.Settings;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A store that has reached its quota, and the way out that etcd's documentation describes. */
class QuotaTest {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final String NO_SPACE = "etcdserver: mvcc: database space exceeded";
  private static final int QUOTA_BYTES = 2 << 20;
  private static final int VALUE_BYTES = 100_000;
  private static final String FLAG = "--quota-backend-bytes=" + QUOTA_BYTES;
  private static final Pattern REVISION = Pattern.compile("\"revision\":([0-9]+)");

  private static Command.Result etcdctl(String endpoints, String... words) {
    var command =
        new ArrayList<>(List.of(Binaries.etcdctl().toString(), "--endpoints=" + endpoints));
    command.addAll(List.of(words));
    return Command.run(LIMIT, Map.of(), "", command);
  }

  private static String done(String endpoints, String... words) {
    var result = etcdctl(endpoints, words);
    assertEquals(0, result.exitCode(), result::toString);
    return result.out();
  }

  /** Null if it is taken, else the status. */
  private static @Nullable Status put(Connection to, int valueBytes) {
    var request =
        PutRequest.newBuilder()
            .setKey(ByteString.copyFromUtf8("k"))
            .setValue(ByteString.copyFrom(new byte[valueBytes]));
    try {
      var unused = to.kv(LIMIT).put(request.build());
      return null;
    } catch (StatusRuntimeException refused) {
      return refused.getStatus();
    }
  }

  private static String refused(Connection to) {
    var refusal = put(to, 1);
    if (refusal == null) throw new AssertionError("not refused");
    return String.valueOf(refusal.getDescription());
  }

  private static int putsUntilRefused(Connection to) {
    for (int taken = 0; taken < 100; taken++) {
      var refusal = put(to, VALUE_BYTES);
      if (refusal != null) {
        assertEquals(Status.Code.RESOURCE_EXHAUSTED, refusal.getCode());
        assertEquals(NO_SPACE, refusal.getDescription());
        return taken;
      }
    }
    throw new AssertionError("the quota is never reached");
  }

  private static StatusResponse status(Connection to) {
    return MaintenanceGrpc.newBlockingStub(to.channel()).status(StatusRequest.getDefaultInstance());
  }

  private static String page(ServerProcess server, String path) {
    var request = HttpRequest.newBuilder(URI.create(server.clientUrl() + path)).build();
    try (var client = HttpClient.newHttpClient()) {
      return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static void recover(String endpoints) {
    var told = REVISION.matcher(done(endpoints, "endpoint", "status", "-w", "json"));
    assertTrue(told.find());
    done(endpoints, "compact", "--physical", told.group(1));
    done(endpoints, "defrag");
    done(endpoints, "alarm", "disarm");
    assertEquals("", done(endpoints, "alarm", "list"));
  }

  @Test
  void oneNodeRefusesAtItsQuotaAndRecovers() {
    var settings = Settings.plain().dataUnder(Directories.fast()).flags(FLAG);
    try (var server = ServerProcess.start(Binaries.kvorum(), settings);
        var to = Connection.to(server.address())) {
      assertTrue(status(to).getDbSize() < 100_000, status(to)::toString);
      int taken = putsUntilRefused(to);
      assertTrue(taken >= 18 && taken <= 20, taken + " puts");
      var id = Long.toUnsignedString(status(to).getHeader().getMemberId());
      assertEquals(
          List.of("memberID:" + id + " alarm:NOSPACE"), List.copyOf(status(to).getErrorsList()));
      assertTrue(done(server.address(), "alarm", "list").contains("alarm:NOSPACE"));
      assertEquals(
          "{\"health\":\"false\",\"reason\":\"ALARM NOSPACE\"}\n", page(server, "/health"));
      assertEquals("ok\n", page(server, "/readyz"));
      // As Go prints it.
      assertTrue(
          page(server, "/metrics").contains("\netcd_server_quota_backend_bytes 2.097152e+06\n"));

      server.kill();
      server.startAgain();
      // Small enough for the quota: it is the alarm that refuses.
      assertEquals(NO_SPACE, refused(to));
      var deletion = DeleteRangeRequest.newBuilder().setKey(ByteString.copyFromUtf8("k")).build();
      assertEquals(1, to.kv(LIMIT).deleteRange(deletion).getDeleted());

      recover(server.address());
      var now = status(to);
      assertTrue(now.getDbSize() < 100_000, now::toString);
      assertEquals(List.of(), List.copyOf(now.getErrorsList()));
      assertEquals("{\"health\":\"true\",\"reason\":\"\"}", page(server, "/health"));
      assertEquals(null, put(to, VALUE_BYTES));
    }
  }

  /** Compaction alone frees space within the database, which etcd counts as used. */
  @Test
  void compactionFreesAndDefragmentationGivesBack() {
    var settings = Settings.plain().dataUnder(Directories.fast()).flags(FLAG);
    try (var server = ServerProcess.start(Binaries.kvorum(), settings);
        var to = Connection.to(server.address())) {
      for (int i = 0; i < 10; i++) assertEquals(null, put(to, VALUE_BYTES));
      done(server.address(), "compact", "--physical", "11");
      var compacted = status(to);
      assertTrue(compacted.getDbSize() > 9 * VALUE_BYTES, compacted::toString);
      assertTrue(inUse(compacted) < 3 * VALUE_BYTES, compacted::toString);
      done(server.address(), "defrag");
      var defragmented = status(to);
      assertTrue(defragmented.getDbSize() < 3 * VALUE_BYTES, defragmented::toString);
      assertTrue(inUse(defragmented) <= defragmented.getDbSize(), defragmented::toString);
    }
  }

  private static long inUse(StatusResponse status) {
    return status.getDbSizeInUse();
  }

  @Test
  void negativeMeansNoQuota() {
    var settings = Settings.plain().dataUnder(Directories.fast()).flags("--quota-backend-bytes=-1");
    try (var server = ServerProcess.start(Binaries.kvorum(), settings);
        var to = Connection.to(server.address())) {
      assertEquals(null, put(to, VALUE_BYTES));
    }
  }

  /** One member is asked, all refuse, and the way out goes over all of them. */
  @Test
  void threeMembersRefuseTogetherAndRecover() {
    var setup =
        Setup.of(Binaries.kvorum(), new Loopback(3), 3)
            .dataUnder(Directories.fast())
            .flags(List.of(FLAG));
    try (var cluster = Cluster.start(setup)) {
      var asked = cluster.followers().getFirst();
      putsUntilRefused(asked.connection());
      var id = asked.status().orElseThrow().getHeader().getMemberId();
      var listed = done(cluster.leader().address(), "alarm", "list");
      assertTrue(listed.contains("memberID:" + Long.toUnsignedString(id)), listed);
      for (var member : cluster.members()) assertEquals(NO_SPACE, refused(member.connection()));
      var all = String.join(",", cluster.members().stream().map(m -> m.address()).toList());
      recover(all);
      for (var member : cluster.members())
        assertEquals(null, put(member.connection(), VALUE_BYTES));
    }
  }
}
