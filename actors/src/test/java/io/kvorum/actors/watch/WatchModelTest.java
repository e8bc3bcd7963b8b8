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
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random watchers on random histories against {@link WatchModel}, with bounds so tight that
 * watchers pass between hub, ring and history all the time. To replay one: {@code
 * -Dkvorum.watch.seed=<seed> -Dtest=WatchModelTest}.
 */
class WatchModelTest {
  private static final int SEEDS = 60;
  private static final int STEPS = 400;
  private static final int CLIENTS = 4;
  private static final List<String> KEYS = List.of("a", "ab", "b", "ba", "c", "d", "da", "e");

  static LongStream seeds() {
    var chosen = System.getProperty("kvorum.watch.seed");
    return chosen == null
        ? new SplittableRandom().longs(SEEDS)
        : LongStream.of(Long.parseLong(chosen));
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void everyWatcherReceivesItsDue(long seed) {
    try {
      new Run(seed).run();
    } catch (AssertionError e) {
      throw new AssertionError("replay with -Dkvorum.watch.seed=" + seed, e);
    }
  }

  /** A stream, what it should be, and what the test has asked of it. */
  private record Player(WatchFixture.Client client, WatchModel model) {}

  private static final class Run {
    private final SplittableRandom random;
    private final WatchHub.Settings settings;

    Run(long seed) {
      this.random = new SplittableRandom(seed);
      this.settings =
          new WatchHub.Settings(
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
              Duration.ofMillis(100));
    }

    void run() {
      try (var watch = new WatchFixture(settings)) {
        var players = new ArrayList<Player>();
        for (int i = 0; i < CLIENTS; i++) {
          players.add(new Player(watch.client(), new WatchModel(watch.store)));
        }
        for (int i = 0; i < STEPS; i++) {
          step(watch, players.get(random.nextInt(CLIENTS)));
        }
        for (var player : players) {
          drain(player);
        }
        players.forEach(player -> player.client().close());
      }
    }

    private void step(WatchFixture watch, Player player) {
      switch (random.nextInt(10)) {
        case 0, 1, 2, 3 -> write(watch);
        case 4 -> create(watch, player);
        case 5 -> cancelOrAsk(player);
        case 6 -> compact(watch);
        default -> take(player, random.nextInt(6));
      }
    }

    private void write(WatchFixture watch) {
      int revisions = 1 + random.nextInt(8);
      for (int i = 0; i < revisions; i++) {
        int count = random.nextInt(5) == 0 ? 4 : 1;
        int first = random.nextInt(KEYS.size());
        watch.commit(
            IntStream.range(0, count)
                .mapToObj(k -> op(KEYS.get((first + k) % KEYS.size())))
                .toArray(Op[]::new));
      }
    }

    private Op op(String key) {
      return new Op(key, random.nextInt(4) == 0 ? null : "v".repeat(random.nextInt(200)));
    }

    private void create(WatchFixture watch, Player player) {
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
        request.setStartRevision(1 + random.nextLong(watch.store.current() + 5));
      }
      player.model().sent(request.build());
      player.client().send(WatchRequest.newBuilder().setCreateRequest(request).build());
    }

    private void cancelOrAsk(Player player) {
      var ids = List.copyOf(player.model().byId.keySet());
      if (ids.isEmpty() || random.nextBoolean()) {
        player.client().send(WatchFixture.progress());
      } else {
        player.client().send(WatchFixture.cancel(ids.get(random.nextInt(ids.size()))));
      }
    }

    private void compact(WatchFixture watch) {
      long current = watch.store.current();
      long lag = random.nextInt(40);
      if (random.nextInt(3) == 0 && current - lag > 1) {
        watch.store.compact(current - lag);
      }
    }

    private void take(Player player, int responses) {
      for (int i = 0; i < responses; i++) {
        var response = player.client().poll(Duration.ofMillis(1));
        if (response == null) {
          return;
        }
        player.model().receive(response);
      }
    }

    private void drain(Player player) {
      while (!player.model().isComplete()) {
        player.model().receive(player.client().next());
      }
      for (var left : player.client().untilRefusal()) {
        player.model().receive(left);
      }
    }
  }

  /** Writers never stop while watchers of all starts come and go: no gap, no double. */
  @Test
  void watchersJoinWithoutAGapWhileOthersWrite() throws InterruptedException {
    var settings =
        new WatchHub.Settings(
            64,
            1 << 20,
            2048,
            1 << 20,
            16,
            1024,
            20,
            1 << 16,
            1000,
            1 << 20,
            2 << 20,
            4096,
            Duration.ofMinutes(10));
    int revisions = 30_000;
    try (var watch = new WatchFixture(settings)) {
      var writer =
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int i = 0; i < revisions; i++) {
                      watch.put("k" + i % 10, "" + i);
                    }
                  });
      int joined = 0;
      while (writer.isAlive() || joined < 50) {
        long from = Math.max(2, watch.store.current() - joined % 200);
        try (var client = watch.client()) {
          client.created(
              WatchFixture.create(
                  "k", b -> b.setRangeEnd(ByteString.copyFromUtf8("l")).setStartRevision(from)));
          long next = from;
          while (next < Math.min(from + 400, revisions + 1)) {
            for (var event : client.next().getEventsList()) {
              assertEquals(next++, event.getKv().getModRevision());
            }
          }
        }
        joined++;
      }
      writer.join();
    }
  }
}
