package io.kvorum.verification.simulation;

import io.kvorum.actors.raft.ReplicaMessage;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * Snapshots on their way between members: each takes a while and arrives whole or not at all, and
 * its sender is told which, or that it does not know.
 */
final class Transfers {
  private static final long RETRY_MICROS = 300 * Agenda.MILLIS;

  private record Route(Life from, MemberId to) {}

  private final World world;
  private final SplittableRandom random;
  private final Set<Route> underWay = new HashSet<>();

  Transfers(World world) {
    this.world = world;
    this.random = world.random().split();
  }

  void send(Life from, MemberId to, long term) {
    Route route = new Route(from, to);
    if (!underWay.add(route)) {
      return;
    }
    Store snapshot = world.tampering().snapshot(from.store());
    world.trace().note(from.id(), "-> " + to + "  snapshot at " + Wording.at(snapshot.applied()));
    world
        .agenda()
        .in(world.around(world.setup().snapshotMicros()), () -> arrive(route, term, snapshot));
  }

  private void arrive(Route route, long term, Store snapshot) {
    MemberId from = route.from().id();
    Life receiver = world.lifeOf(route.to());
    boolean carried =
        world.network().connects(from, route.to())
            && world.network().connects(route.to(), from)
            && random.nextInt(100) >= world.setup().snapshotLossPercent();
    if (receiver == null || !carried) {
      world.agenda().in(RETRY_MICROS, () -> report(route, snapshot.applied(), false));
      return;
    }
    receiver.post(() -> receiver.receive(from, term, snapshot));
    boolean told = random.nextInt(100) >= world.setup().snapshotLossPercent();
    world.agenda().in(world.network().delay(), () -> report(route, snapshot.applied(), told));
  }

  private void report(Route route, LogPosition at, boolean delivered) {
    underWay.remove(route);
    route
        .from()
        .post(() -> route.from().tell(new ReplicaMessage.SnapshotSent(route.to(), at, delivered)));
  }
}
