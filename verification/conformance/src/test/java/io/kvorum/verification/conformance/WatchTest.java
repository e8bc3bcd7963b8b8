package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.Watch;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.common.exception.ErrorCode;
import io.etcd.jetcd.common.exception.EtcdException;
import io.etcd.jetcd.options.WatchOption;
import io.etcd.jetcd.watch.WatchResponse;
import io.grpc.StatusRuntimeException;
import io.kvorum.verification.conformance.cluster.Cluster;
import io.kvorum.verification.conformance.cluster.Cluster.Setup;
import io.kvorum.verification.conformance.cluster.Member;
import io.kvorum.verification.conformance.cluster.Network;
import io.kvorum.verification.conformance.differential.WatchDifferential;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.Directories;
import io.kvorum.verification.conformance.harness.ServerProcess;
import io.kvorum.verification.conformance.harness.ServerProcess.Settings;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * Watch streams beside a real etcd's, and as the official Java client sees them. More steps of the
 * comparison: {@code -Dkvorum.watch.steps=<n> -Dkvorum.watch.seed=<seed>}.
 */
class WatchTest {
  private static final int STEPS = Integer.getInteger("kvorum.watch.steps", 400);
  private static final long SEED = Long.getLong("kvorum.watch.seed", 1);
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final Duration WRITE_LIMIT = Duration.ofSeconds(5);

  /** As many as there are in a day, with the default of ten minutes between them. */
  private static final int NOTIFICATIONS_OF_A_DAY = 144;

  private static final int WRITES_PER_ROUND = 40;

  @Test
  void sameRequestsOnOneStreamSameResponses() {
    var settings = Settings.plain().dataUnder(Directories.fast());
    try (var right = ServerProcess.start(Binaries.etcd(), settings);
        var given = ServerProcess.start(Binaries.kvorum(), settings);
        var reference = Connection.to(right.address());
        var subject = Connection.to(given.address())) {
      var result = new WatchDifferential(reference, subject, SEED).run(STEPS);
      assertTrue(result.answers() > 0 && result.events() > result.steps(), result::toString);
    }
  }

  @Test
  void progressComesForADayAndEventsBetween() {
    var settings =
        Settings.plain()
            .dataUnder(Directories.fast())
            .flags("--watch-progress-notify-interval=100ms");
    try (var server = ServerProcess.start(Binaries.kvorum(), settings);
        var connection = Connection.to(server.address());
        var client = Client.builder().endpoints(server.clientUrl()).build();
        var seen = new Seen(client, WatchOption.builder().withProgressNotify(true))) {
      for (int i = 0; seen.progress() < NOTIFICATIONS_OF_A_DAY; i++) {
        int wanted = Math.min(NOTIFICATIONS_OF_A_DAY, seen.progress() + 12);
        Await.until("progress " + wanted, LIMIT, () -> seen.progress() >= wanted);
        put(connection, key(i));
        int written = i;
        Await.until("the event", LIMIT, () -> seen.keys().contains(key(written)));
      }
    }
  }

  /** Whatever member it was at: it goes on at another, with nothing lost and nothing twice. */
  @Test
  void theJavaClientWatchesThroughRestartsAndPartitions() {
    try (var network = Network.best(3);
        var cluster =
            Cluster.start(Setup.of(Binaries.kvorum(), network, 3).dataUnder(Directories.fast()))) {
      var urls = cluster.members().stream().map(m -> m.server().clientUrl());
      try (var client = Client.builder().endpoints(urls.toArray(String[]::new)).build();
          var seen = new Seen(client, WatchOption.builder().withProgressNotify(true))) {
        var written = new TreeSet<String>();
        write(cluster, written);
        for (var member : cluster.members()) {
          member.kill();
          write(cluster, written);
          cluster.startAll();
          write(cluster, written);
        }
        var leader = cluster.leader();
        leader.pause();
        write(cluster, written);
        leader.resume();
        if (network.canCut()) {
          cut(network, cluster.leader());
          write(cluster, written);
          network.mend();
        }
        write(cluster, written);
        Await.until(
            "everything that was acknowledged is seen",
            LIMIT,
            () -> seen.keys().containsAll(written));
      }
    }
  }

  private static void cut(Network network, Member from) {
    var links = new ArrayList<Network.Link>();
    for (int slot = 0; slot < 3; slot++) {
      if (slot != from.slot()) {
        links.add(new Network.Link(slot, from.slot()));
        links.add(new Network.Link(from.slot(), slot));
      }
    }
    network.cut(links);
  }

  /**
   * Through whichever member takes it, first the one that took the last: one that cannot lets its
   * caller wait. A key is tried again until it is acknowledged.
   */
  private static void write(Cluster cluster, TreeSet<String> written) {
    var members = new ArrayDeque<>(cluster.serving());
    for (int i = 0; i < WRITES_PER_ROUND; i++) {
      var key = key(written.size());
      Await.until(
          key + " is written",
          LIMIT,
          () -> {
            boolean taken = takes(members.getFirst(), key);
            if (!taken) members.addLast(members.removeFirst());
            return taken;
          });
      written.add(key);
    }
  }

  private static boolean takes(Member member, String key) {
    try {
      put(member.connection(), key);
      return true;
    } catch (StatusRuntimeException notNow) {
      member.connection().channel().resetConnectBackoff();
      return false;
    }
  }

  private static void put(Connection connection, String key) {
    var bytes = ByteString.copyFromUtf8(key);
    var unused =
        connection
            .kv(WRITE_LIMIT)
            .put(PutRequest.newBuilder().setKey(bytes).setValue(bytes).build());
  }

  private static String key(int number) {
    return "seen/%06d".formatted(number);
  }

  /** A watch of everything from the beginning, which checks the order as events come. */
  private static final class Seen implements AutoCloseable {
    private final List<Throwable> wrong = new ArrayList<>();
    private final TreeSet<String> keys = new TreeSet<>();
    private final Watch.Watcher watcher;
    private long last;
    private int progress;

    Seen(Client client, WatchOption.Builder option) {
      var prefix = ByteSequence.from("seen/", StandardCharsets.UTF_8);
      watcher =
          client
              .getWatchClient()
              .watch(
                  prefix,
                  option.isPrefix(true).withRevision(1).build(),
                  Watch.listener(this::take, this::fail));
    }

    private synchronized void take(WatchResponse response) {
      if (response.getEvents().isEmpty()) {
        progress++;
        // Behind a promise nothing older comes, at whichever member.
        last = Math.max(last, response.getHeader().getRevision());
      }
      for (var event : response.getEvents()) {
        long revision = event.getKeyValue().getModRevision();
        if (revision <= last) fail(new AssertionError(revision + " comes after " + last));
        last = revision;
        keys.add(event.getKeyValue().getKey().toString(StandardCharsets.UTF_8));
      }
    }

    /** The client tells of each connection that it loses, and goes on by itself at another. */
    private synchronized void fail(Throwable cause) {
      if (cause instanceof EtcdException lost && lost.getErrorCode() == ErrorCode.UNAVAILABLE)
        return;
      wrong.add(cause);
    }

    synchronized int progress() {
      return progress;
    }

    synchronized TreeSet<String> keys() {
      return new TreeSet<>(keys);
    }

    @Override
    public void close() {
      watcher.close();
      synchronized (this) {
        assertEquals(
            "",
            wrong.stream().map(Throwable::toString).distinct().collect(Collectors.joining("\n")));
      }
    }
  }
}
