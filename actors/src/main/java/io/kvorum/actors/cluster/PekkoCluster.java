package io.kvorum.actors.cluster;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.apache.pekko.Done;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.Cancellable;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.cluster.Cluster;
import org.apache.pekko.cluster.MemberStatus;
import org.jspecify.annotations.Nullable;

/**
 * Pekko Cluster beside the groups, for whoever wants to discover the processes. No group asks it
 * anything, and nothing it believes stops a process: there is no downing.
 *
 * <p>Only members that were heard in the group are asked to be joined. They have shown that they
 * belong to the same cluster, which an address alone does not: a machine may have been given to
 * another one.
 */
public final class PekkoCluster {
  private static final Duration ATTEMPT_INTERVAL = Duration.ofSeconds(1);

  /** The first requests of clients to a fresh process need its processors more. */
  private static final Duration FIRST_ATTEMPT_AFTER = Duration.ofSeconds(3);

  /** Longer than Pekko needs to find out that none of the others has joined yet. */
  private static final int ATTEMPTS_BETWEEN_CALLS = 10;

  /** The first member does not wait longer than this for the others to be heard. */
  private static final int ATTEMPTS_BEFORE_FIRST = 20;

  private final Cluster cluster;
  private final Supplier<Candidates> candidates;
  private @Nullable Cancellable attempts;
  private int attemptCount;
  private int calledAt = -ATTEMPTS_BETWEEN_CALLS;

  /**
   * Whom to join.
   *
   * @param first whether this process may begin a new cluster: one member of a group may, always
   *     the same one, so that no two arise
   * @param others how many other members there are
   * @param heard those that are heard at present
   */
  record Candidates(boolean first, int others, List<PeerAddress> heard) {}

  private PekkoCluster(Cluster cluster, Supplier<Candidates> candidates) {
    this.cluster = cluster;
    this.candidates = candidates;
  }

  /**
   * Joins through the members of a group, in the background, as long as it takes; leaves when the
   * process stops, without waiting for the others to agree.
   *
   * @param peers as {@link PeerNetwork#join} returned them, with the members known
   */
  public static void join(ActorSystem<?> system, GroupPeers peers) {
    if (!(peers instanceof GroupLink link)) {
      throw new IllegalArgumentException("not of this network: " + peers);
    }
    Cluster cluster = Cluster.get(Adapter.toClassic(system));
    PekkoCluster joining = new PekkoCluster(cluster, link::candidates);
    synchronized (joining) {
      joining.attempts =
          Adapter.toClassic(system)
              .scheduler()
              .scheduleWithFixedDelay(
                  FIRST_ATTEMPT_AFTER,
                  ATTEMPT_INTERVAL,
                  joining::attempt,
                  system.executionContext());
    }
    CoordinatedShutdown.get(system)
        .addTask(
            CoordinatedShutdown.PhaseBeforeServiceUnbind(),
            "leave-cluster",
            () -> {
              joining.stop();
              cluster.leave(cluster.selfAddress());
              return CompletableFuture.completedFuture(Done.getInstance());
            });
  }

  private synchronized void stop() {
    if (attempts != null) {
      attempts.cancel();
    }
  }

  private synchronized void attempt() {
    if (cluster.isTerminated() || cluster.selfMember().status() != MemberStatus.removed()) {
      stop();
      return;
    }
    attemptCount++;
    if (attemptCount - calledAt < ATTEMPTS_BETWEEN_CALLS) {
      return;
    }
    Candidates now = candidates.get();
    List<Address> seeds = new ArrayList<>();
    // Pekko lets the first of the list begin a cluster if it is the process itself.
    if (now.first()
        && (now.heard().size() == now.others() || attemptCount > ATTEMPTS_BEFORE_FIRST)) {
      seeds.add(cluster.selfAddress());
    } else if (now.first()) {
      return;
    }
    for (PeerAddress address : now.heard()) {
      seeds.add(new Address("pekko", cluster.system().name(), address.host(), address.port()));
    }
    if (!seeds.isEmpty()) {
      calledAt = attemptCount;
      cluster.joinSeedNodes(seeds);
    }
  }
}
