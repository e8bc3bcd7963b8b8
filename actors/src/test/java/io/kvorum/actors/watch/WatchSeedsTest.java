package io.kvorum.actors.watch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import io.kvorum.actors.watch.FakeStore.Op;
import io.kvorum.protocol.etcdserverpb.WatchCreateRequest;
import io.kvorum.protocol.etcdserverpb.WatchCreateRequest.FilterType;
import io.kvorum.protocol.etcdserverpb.WatchRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * Random watchers on random histories, with compactions and snapshots that replace the keyspace,
 * against {@link WatchModel}: each run in one thread, in an order of events that is the seed's.
 * Many seeds: {@code -Dkvorum.watch.seeds=20000 -Dtest=WatchSeedsTest}; one again: {@code
 * -Dkvorum.watch.seed=<seed>}.
 */
class WatchSeedsTest {
  private static final int SEEDS = Integer.getInteger("kvorum.watch.seeds", 400);
  private static final int STEPS = 1_000;
  private static final int CLIENTS = 4;
  private static final int PATIENCE = 1_000_000;
  private static final List<String> KEYS = List.of("a", "ab", "b", "ba", "c", "d", "da", "e");

  @Test
  void everyWatcherReceivesItsDue() {
    var chosen = Long.getLong("kvorum.watch.seed");
    if (chosen != null) {
      new Run(chosen).run();
      return;
    }
    long first = new SplittableRandom().nextLong() >>> 1;
    for (long seed = first; seed < first + SEEDS; seed++) {
      try {
        new Run(seed).run();
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("replay with -Dkvorum.watch.seed=" + seed, e);
      }
    }
  }

  /** A stream and what it should be. */
  private record Player(VirtualWatches.Client client, WatchModel model) {

    void take() {
      client.take().forEach(model::receive);
    }
  }

  private static final class Run {
    private final SplittableRandom random;
    private final VirtualWatches watches;
    private final List<Player> players = new ArrayList<>();

    Run(long seed) {
      this.random = new SplittableRandom(seed);
      this.watches = new VirtualWatches(settings(random), random);
    }

    /** Bounds so tight that watchers pass between hub, ring and history all the time. */
    private static WatchHub.Settings settings(SplittableRandom random) {
      return new WatchHub.Settings(
          1 + random.nextInt(30),
          1 + random.nextInt(5000),
          1 + random.nextInt(3000),
          random.nextBoolean() ? 1 << 20 : 1 + random.nextInt(5000),
          1 + random.nextInt(8),
          1 + random.nextInt(1000),
          1 + random.nextInt(12),
          1 + random.nextInt(3000),
          1 + random.nextInt(40),
          1 + random.nextInt(5000),
          100 + random.nextInt(600),
          random.nextBoolean() ? 1 << 20 : 1 + random.nextInt(1000),
          Duration.ofMinutes(10));
    }

    void run() {
      for (int i = 0; i < CLIENTS; i++) {
        players.add(new Player(watches.client(), new WatchModel(watches.store)));
      }
      for (int i = 0; i < STEPS; i++) {
        step(players.get(random.nextInt(CLIENTS)));
      }
      drain();
      players.forEach(player -> player.client().close());
      while (watches.work()) {
        // until all is said
      }
      assertEquals(0, watches.store.openViews.get());
    }

    private void step(Player player) {
      switch (random.nextInt(24)) {
        case 0, 1 -> write();
        case 2 -> create(player);
        case 3 -> cancelOrAsk(player);
        case 4 -> compact();
        case 5 -> install();
        case 6, 7, 8 -> player.take();
        default -> {
          boolean unused = watches.work();
        }
      }
    }

    private void write() {
      int revisions = 1 + random.nextInt(8);
      for (int i = 0; i < revisions; i++) {
        int count = random.nextInt(5) == 0 ? 4 : 1;
        int first = random.nextInt(KEYS.size());
        var ops =
            IntStream.range(0, count)
                .mapToObj(k -> op(KEYS.get((first + k) % KEYS.size())))
                .toArray(Op[]::new);
        watches.publisher.publish(watches.store.commit(ops));
      }
    }

    private Op op(String key) {
      return new Op(key, random.nextInt(4) == 0 ? null : "v".repeat(random.nextInt(200)));
    }

    private void compact() {
      long revision = watches.store.current() - random.nextInt(40);
      if (random.nextInt(3) == 0 && revision > 1) {
        watches.store.compact(revision);
      }
    }

    /** A snapshot: revisions of which nobody tells the hub, and perhaps compacted ones. */
    private void install() {
      if (random.nextInt(4) == 0) {
        for (int i = random.nextInt(20); i >= 0; i--) {
          var unused = watches.store.commit(op(KEYS.get(random.nextInt(KEYS.size()))));
        }
        compact();
        watches.publisher.jump(watches.store.current());
      }
    }

    private void create(Player player) {
      var request =
          WatchCreateRequest.newBuilder()
              .setKey(ByteString.copyFromUtf8(KEYS.get(random.nextInt(KEYS.size()))))
              .setPrevKv(random.nextBoolean())
              .setFragment(random.nextBoolean())
              .setProgressNotify(random.nextBoolean());
      switch (random.nextInt(4)) {
        case 0 -> request.setRangeEnd(request.getKey().concat(ByteString.copyFromUtf8("z")));
        case 1 -> request.setRangeEnd(ByteString.copyFrom(new byte[1]));
        case 2 -> request.setRangeEnd(ByteString.copyFromUtf8("f"));
        default -> request.clearRangeEnd();
      }
      if (random.nextInt(4) == 0) {
        request.addFilters(random.nextBoolean() ? FilterType.NOPUT : FilterType.NODELETE);
      }
      if (random.nextBoolean()) {
        request.setStartRevision(1 + random.nextLong(watches.store.current() + 5));
      }
      player.model().sent(request.build());
      player.client().send(WatchRequest.newBuilder().setCreateRequest(request).build());
    }

    private void cancelOrAsk(Player player) {
      var ids = List.copyOf(player.model().byId.keySet());
      if (player.client().intervals && random.nextInt(3) == 0) {
        player.client().interval();
      } else if (ids.isEmpty() || random.nextBoolean()) {
        player.client().send(WatchFixture.progress());
      } else {
        player.client().send(WatchFixture.cancel(ids.get(random.nextInt(ids.size()))));
      }
    }

    /** Until everybody has everything; a stream that stays short of something is a failure. */
    private void drain() {
      for (int i = 0; i < PATIENCE; i++) {
        boolean worked = watches.work();
        players.forEach(Player::take);
        if (!worked
            && players.stream()
                .allMatch(p -> p.model().isComplete() && !p.client().hasRequests())) {
          // Anything more would be too much.
          players.forEach(Player::take);
          return;
        }
      }
      throw new AssertionError("not everybody receives everything");
    }
  }
}
