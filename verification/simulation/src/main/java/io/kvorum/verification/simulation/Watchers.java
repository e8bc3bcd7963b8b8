package io.kvorum.verification.simulation;

import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.telemetry.EtcdMetrics;
import io.kvorum.actors.telemetry.Telemetry;
import io.kvorum.actors.watch.WatchFanout;
import io.kvorum.actors.watch.WatchHub;
import io.kvorum.actors.watch.WatchPublisher;
import io.kvorum.actors.watch.WatchStreams;
import io.kvorum.persistence.mvcc.RevisionEvents;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * The watch hub of every process, production's own, and clients that watch through whichever member
 * lives, go on at another one from the revision behind the last that they have seen, and at times
 * do not read: each must be told everything that it asked for, once, in order, a revision as a
 * whole. It takes no chance from the cluster's own, so that a seed's history is the same with and
 * without.
 */
final class Watchers implements Invariant {
  private static final int CLIENTS = 4;
  private static final long STEP_MICROS = 2 * Agenda.MILLIS;
  private static final EtcdMetrics METRICS = new EtcdMetrics(Telemetry.start());

  /** So small that who does not read for a moment falls out of the ring. */
  private static final WatchHub.Settings SETTINGS =
      new WatchHub.Settings(
          8, 4096, 1024, 1 << 20, 4, 256, 5, 2048, 16, 4096, 1 << 20, 1024, Duration.ofSeconds(1));

  private final World world;
  private final SplittableRandom random;
  private final WatchedHistory history = new WatchedHistory();
  private final Map<Life, Served> served = new IdentityHashMap<>();
  private final List<WatchClient> clients = new ArrayList<>();
  private boolean hurried;

  Watchers(World world, long seed) {
    this.world = world;
    this.random = new SplittableRandom(seed ^ 0x3a7c);
    for (int i = 0; i < CLIENTS; i++) {
      WatchClient client = new WatchClient(this, i, random.split());
      clients.add(client);
      later(client);
    }
  }

  private void later(WatchClient client) {
    long delay = hurried ? STEP_MICROS : STEP_MICROS / 2 + random.nextLong(10 * STEP_MICROS);
    world
        .agenda()
        .in(
            delay,
            () -> {
              client.step();
              later(client);
            });
  }

  World world() {
    return world;
  }

  WatchedHistory history() {
    return history;
  }

  /** Its hub and what is queued for it; made with the first that asks. */
  Served at(Life life) {
    return served.computeIfAbsent(life, Served::new);
  }

  /** Nobody goes away or stops reading any more. */
  void hurry() {
    hurried = true;
    clients.forEach(WatchClient::hurry);
  }

  /** Whether everybody has been told everything. */
  boolean areLevel() {
    return clients.stream().allMatch(WatchClient::isLevel);
  }

  @Override
  public void started(Life life) {
    served.keySet().removeIf(other -> other.id().equals(life.id()) && other != life);
    Served unused = at(life);
  }

  @Override
  public void applied(Life life, Entry entry, Store.Applied applied) {
    RevisionEvents events = history.learn(life.store(), applied.after());
    if (events != null) {
      at(life).published(events);
    }
  }

  @Override
  public void installed(Life life, Store snapshot) {
    at(life).jumped(snapshot.revision());
  }

  @Override
  public void finished(List<Life> members) {
    Violation.check(areLevel(), "watches are reliable", () -> "not told everything: " + clients);
  }

  /** What one process does for watchers: each piece of work in a moment, one behind the other. */
  final class Served {
    private final Life life;
    private final ArrayDeque<Runnable> work = new ArrayDeque<>();
    private final WatchFanout fanout;
    private final WatchPublisher publisher;
    private final WatchStreams streams;
    private boolean working;

    Served(Life life) {
      this.life = life;
      this.fanout =
          new WatchFanout(
              SETTINGS, () -> history.view(life.store().revision()), wanted -> {}, this::again);
      this.publisher = new WatchPublisher(this::tellHub, SETTINGS);
      this.streams =
          new WatchStreams(
              SETTINGS,
              () -> history.view(life.store().revision()),
              revision -> ResponseHeader.newBuilder().setRevision(revision).build(),
              this::post,
              METRICS);
    }

    WatchStreams streams() {
      return streams;
    }

    private void published(RevisionEvents events) {
      // The hub hears of it when the store has it.
      post(() -> publisher.publish(List.of(events)));
    }

    private void jumped(long revision) {
      post(() -> publisher.jump(revision));
    }

    void tellHub(WatchHub.Message message) {
      post(() -> fanout.onMessage(message));
    }

    private void again() {
      post(fanout::goOn);
    }

    void post(Runnable task) {
      work.add(task);
      if (!working) {
        working = true;
        next();
      }
    }

    private void next() {
      world.agenda().in(1 + random.nextLong(Agenda.MILLIS), () -> life.post(this::doNext));
    }

    private void doNext() {
      work.remove().run();
      working = !work.isEmpty();
      if (working) {
        next();
      }
    }
  }
}
