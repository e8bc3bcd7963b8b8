package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import io.etcd.jetcd.api.Event;
import io.etcd.jetcd.api.KeyValue;
import io.etcd.jetcd.api.LeaseGrantRequest;
import io.etcd.jetcd.api.LeaseGrpc;
import io.etcd.jetcd.api.MaintenanceGrpc;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.RangeRequest;
import io.etcd.jetcd.api.ResponseHeader;
import io.etcd.jetcd.api.StatusRequest;
import io.etcd.jetcd.api.WatchCreateRequest;
import io.etcd.jetcd.api.WatchRequest;
import io.etcd.jetcd.api.WatchResponse;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import io.kvorum.verification.conformance.cluster.Cluster;
import io.kvorum.verification.conformance.cluster.Loopback;
import io.kvorum.verification.conformance.differential.Call;
import io.kvorum.verification.conformance.differential.KnownDifference;
import io.kvorum.verification.conformance.differential.RequestSource;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Command;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.Directories;
import io.kvorum.verification.conformance.harness.Place;
import io.kvorum.verification.conformance.harness.ServerProcess;
import io.kvorum.verification.conformance.harness.ServerProcess.Settings;
import io.kvorum.verification.conformance.lease.LeaseCalls;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From a real etcd to Kvorum: the same answers at every revision that is not compacted. */
class EtcdImportTest {
  private static final String SEED = "kvorum.import.seed";
  private static final int REQUESTS = 1500;
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final ByteString EVERYTHING = ByteString.copyFrom(new byte[] {0});

  private static final long SEED_VALUE = Long.getLong(SEED, 1);
  private static final String REPLAY = "replay with -D" + SEED + "=" + SEED_VALUE;

  @TempDir private static Path shared;

  @TempDir private Path directory;

  @SuppressWarnings("NullAway.Init")
  private static ServerProcess etcd;

  @SuppressWarnings("NullAway.Init")
  private static Connection right;

  private static long compacted = 0;
  private static long revision = 1;
  private static long lease = 0;

  @BeforeAll
  static void fill() {
    etcd = ServerProcess.start(Binaries.etcd(), Settings.plain().dataUnder(Directories.fast()));
    right = Connection.to(etcd.address());
    var source = new RequestSource(SEED_VALUE);
    // Among them is what ends this etcd.
    var known =
        KnownDifference.of(
            MaintenanceGrpc.newBlockingStub(right.channel())
                .status(StatusRequest.getDefaultInstance())
                .getVersion());
    for (int i = 0; i < REQUESTS; i++) {
      var call = source.next();
      if (!call.readOnly() && known.stream().noneMatch(one -> one.keepsApart(call)))
        send(call, source);
    }
    var granted =
        LeaseGrpc.newBlockingStub(right.channel())
            .leaseGrant(LeaseGrantRequest.newBuilder().setTTL(3600).build());
    lease = granted.getID();
    var leased = PutRequest.newBuilder().setKey(utf8("leased")).setLease(granted.getID()).build();
    revision = right.kv().put(leased).getHeader().getRevision();
    var saved =
        Command.run(
            LIMIT,
            Map.of(),
            "",
            List.of(
                Binaries.etcdctl().toString(),
                "--endpoints",
                etcd.address(),
                "snapshot",
                "save",
                snapshot()));
    assertEquals(0, saved.exitCode(), saved::toString);
  }

  /** Refusals are part of the stream and change nothing. */
  private static void send(Call call, RequestSource source) {
    try {
      var answer = send(call.method(), call.request());
      var header = answer.getDescriptorForType().findFieldByName("header");
      if (answer.getField(header) instanceof ResponseHeader known)
        source.revisionIs(known.getRevision());
      if (call instanceof Call.Compact(var request)) {
        compacted = request.getRevision();
        source.compactedAt(compacted);
      }
    } catch (StatusRuntimeException refused) {
      assertFalse(
          refused.getStatus().getCode() == io.grpc.Status.Code.UNAVAILABLE, refused::toString);
    }
  }

  @SuppressWarnings("unchecked") // a call's request is of its method's type by construction
  private static <Q extends Message, R extends Message> R send(
      MethodDescriptor<Q, R> method, Message request) {
    return ClientCalls.blockingUnaryCall(right.channel(), method, CallOptions.DEFAULT, (Q) request);
  }

  private static ByteString utf8(String text) {
    return ByteString.copyFromUtf8(text);
  }

  private static String snapshot() {
    return shared.resolve("snapshot.db").toString();
  }

  @AfterAll
  static void stop() {
    right.close();
    etcd.close();
  }

  private static Command.Result kvorumutl(String... arguments) {
    return Command.run(
        LIMIT,
        Stream.concat(Stream.of(Binaries.kvorumutl().toString()), Stream.of(arguments))
            .toArray(String[]::new));
  }

  private static List<KeyValue> everythingAt(Connection server, long at) {
    var all = RangeRequest.newBuilder().setKey(EVERYTHING).setRangeEnd(EVERYTHING).setRevision(at);
    return server.kv().range(all.setSerializable(true).build()).getKvsList();
  }

  private static void requireSame(Connection given) {
    for (long at = Math.max(compacted, 1); at <= revision; at++)
      assertEquals(everythingAt(right, at), everythingAt(given, at), "at " + at + ", " + REPLAY);
    assertEquals(history(right), history(given), REPLAY);
  }

  /** It is there with its key, and its time runs: an hour, of which only minutes can be gone. */
  private static void requireLease(Connection given) {
    var leases = new LeaseCalls(given.channel());
    assertEquals(List.of(lease), leases.leases());
    var left = leases.timeToLive(lease, true);
    assertEquals(3600, left.getGrantedTTL());
    assertTrue(left.getTTL() > 3000 && left.getTTL() <= 3600 + 10, left::toString);
    assertEquals(List.of(utf8("leased")), left.getKeysList());
  }

  /** Every event behind the compacted revision, as a watch tells them. */
  private static List<Event> history(Connection server) {
    var events = new CopyOnWriteArrayList<Event>();
    var requests = server.watch().watch(collecting(events));
    var create =
        WatchCreateRequest.newBuilder()
            .setKey(EVERYTHING)
            .setRangeEnd(EVERYTHING)
            .setStartRevision(compacted + 1);
    requests.onNext(WatchRequest.newBuilder().setCreateRequest(create).build());
    Await.until(
        "the newest revision's event",
        LIMIT,
        () -> !events.isEmpty() && events.getLast().getKv().getModRevision() == revision);
    requests.onCompleted();
    return new ArrayList<>(events);
  }

  private static StreamObserver<WatchResponse> collecting(List<Event> events) {
    return new StreamObserver<>() {
      @Override
      public void onNext(WatchResponse response) {
        events.addAll(response.getEventsList());
      }

      @Override
      public void onError(Throwable cancelled) {
        // what was collected is compared, and awaited
      }

      @Override
      public void onCompleted() {
        // as above
      }
    };
  }

  /** etcdutl where there is one; older ones know no version. */
  @Test
  void statusIsTheOneOfEtcdsTool() {
    var status = kvorumutl("snapshot", "status", snapshot(), "-w", "json");
    assertEquals(0, status.exitCode(), status::toString);
    var keys = everythingAt(right, 0).size();
    assertTrue(
        status.out().contains("\"revision\":" + revision + ",\"totalKey\":" + keys + ","),
        status::toString);
    var etcdutl = Binaries.etcdctl().resolveSibling("etcdutl");
    if (!Files.isExecutable(etcdutl)) return;
    var theirs =
        Command.run(LIMIT, etcdutl.toString(), "snapshot", "status", snapshot(), "-w", "json");
    var known = theirs.out().strip().replaceFirst("}$", "");
    assertTrue(status.out().startsWith(known), () -> theirs + " " + status);
  }

  @Test
  void aMemberServesWhatTheEtcdHad() {
    var data = directory.resolve("data");
    var place = Place.onLoopback();
    var arguments =
        new String[] {
          "snapshot",
          "import",
          snapshot(),
          "--data-dir=" + data,
          "--initial-cluster",
          "default=" + place.peerUrl(),
          "--initial-advertise-peer-urls",
          place.peerUrl()
        };
    var made = kvorumutl(arguments);
    assertEquals(0, made.exitCode(), made::toString);
    assertTrue(made.out().contains("revision " + revision + ","), made::toString);
    assertEquals(1, kvorumutl(arguments).exitCode(), "there is one already");

    try (var member =
            ServerProcess.start(Binaries.kvorum(), Settings.plain().dataIn(data).at(place));
        var given = Connection.to(member.address())) {
      requireSame(given);
      requireLease(given);
      var put = PutRequest.newBuilder().setKey(utf8("next")).build();
      assertEquals(revision + 1, given.kv().put(put).getHeader().getRevision());
      member.kill();
      member.startAgain();
      assertEquals(
          List.of("next"),
          everythingAt(given, revision + 1).stream()
              .filter(kv -> kv.getModRevision() > revision)
              .map(kv -> kv.getKey().toStringUtf8())
              .toList());
      assertEquals(everythingAt(right, revision), everythingAt(given, revision), REPLAY);
    }
  }

  @Test
  void membersOfAClusterAndOneThatJoins() {
    var network = new Loopback(3);
    var setup =
        Cluster.Setup.of(Binaries.kvorum(), network, 3)
            .token("moved")
            .dataUnder(Directories.fast());
    try (var cluster = Cluster.notStarted(setup)) {
      for (var member : cluster.members()) {
        var made =
            kvorumutl(
                "snapshot",
                "import",
                snapshot(),
                "--data-dir=" + member.server().dataDirectory(),
                "--name=" + member.name(),
                "--initial-cluster=" + setup.initialCluster(),
                "--initial-cluster-token=moved",
                "--initial-advertise-peer-urls=" + member.peerUrl());
        assertEquals(0, made.exitCode(), made::toString);
      }
      cluster.startAll();
      for (var member : cluster.members()) {
        requireSame(member.connection());
        requireLease(member.connection());
      }

      var lost = cluster.followers().getFirst();
      lost.kill();
      var fresh = cluster.replaceLost(lost, "fresh");
      fresh.server().startAgain();
      requireSame(fresh.connection());
    }
  }
}
