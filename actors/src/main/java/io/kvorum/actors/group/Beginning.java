package io.kvorum.actors.group;

import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.actors.wal.RecoveredLog;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.internal.Membership;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides how a member begins, from its log, the operator's words and what its peers say: with the
 * data it has, alone by force, as part of a new cluster, or as one that joins (etcd's
 * etcdserver/bootstrap.go).
 */
final class Beginning {
  private static final Logger log = LoggerFactory.getLogger(Beginning.class);

  /** How long a new cluster's member waits to hear that the cluster exists already. */
  private static final Duration ASK_BEFORE_NEW = Duration.ofSeconds(1);

  private static final Duration ASK_BEFORE_JOINING = Duration.ofSeconds(2);
  private static final Duration JOIN_RETRY_DELAY = Duration.ofMillis(250);

  /** A member that joins gives up when no peer has told it of the cluster for this long. */
  private static final Duration JOIN_LIMIT = Duration.ofSeconds(10);

  /**
   * What to do.
   *
   * @param initialise whether the log has no identity yet
   * @param write entries that the log must hold before the group starts
   */
  record Plan(RunningGroup.Start start, boolean initialise, List<Entry> write) {}

  private final GroupSettings settings;
  private final GroupSupervisor.Environment environment;
  private final long joinDeadlineNanos = System.nanoTime() + JOIN_LIMIT.toNanos();

  Beginning(GroupSettings settings, GroupSupervisor.Environment environment) {
    this.settings = settings;
    this.environment = environment;
  }

  /**
   * @param recovered checked to belong to the keyspace
   * @return fails with {@link Bootstrap.RefusedException} if the member must not start
   */
  CompletionStage<Plan> plan(RecoveredLog recovered, @Nullable Membership stored) {
    LogIdentity known = recovered.identity();
    if (known != null && recovered.lastIndex() > 0) {
      return CompletableFuture.completedFuture(restart(known, recovered, stored));
    }
    if (settings.initialCluster().join()
        || (known != null && !Bootstrap.isOfNewCluster(settings, known))) {
      return join(Optional.ofNullable(known));
    }
    LogIdentity own = Bootstrap.newIdentity(settings);
    if (known != null || settings.initialCluster().members().size() == 1) {
      return CompletableFuture.completedFuture(newCluster(own, known == null));
    }
    return Joining.askOthers(environment.peers(), settings, ASK_BEFORE_NEW)
        .thenApplyAsync(
            answers -> {
              Joining.refuseWhereBootstrapped(own, answers);
              return newCluster(own, true);
            },
            environment.readExecutor());
  }

  private Plan restart(LogIdentity own, RecoveredLog recovered, @Nullable Membership stored) {
    Membership membership =
        stored == null ? Bootstrap.membershipAtStart(recovered, own.clusterId()) : stored;
    if (membership.getRemovedIdsList().contains(own.member().value())) {
      throw new Bootstrap.RemovedException();
    }
    if (!settings.initialCluster().force()) {
      return new Plan(
          new RunningGroup.Start(own, recovered, stored, membership, false), false, List.of());
    }
    List<Entry> removals =
        ForcedCluster.removalOfOthers(
            own,
            recovered,
            environment.keyspace().applied().index(),
            stored == null ? Membership.getDefaultInstance() : stored);
    if (!removals.isEmpty()) {
      log.warn("forcing a new cluster: {} changes make this member the only one", removals.size());
    }
    RecoveredLog extended = ForcedCluster.extended(recovered, removals);
    return new Plan(
        new RunningGroup.Start(own, extended, stored, membership, true), false, removals);
  }

  private Plan newCluster(LogIdentity own, boolean initialise) {
    RecoveredLog first = Bootstrap.newLog(settings, own);
    Membership members = Bootstrap.membershipAtStart(first, own.clusterId());
    return new Plan(
        new RunningGroup.Start(own, first, null, members, false), initialise, first.entries());
  }

  private CompletionStage<Plan> join(Optional<LogIdentity> known) {
    return Joining.askOthers(environment.peers(), settings, ASK_BEFORE_JOINING)
        .thenApplyAsync(
            answers -> Joining.join(settings, known, answers), environment.readExecutor())
        .thenCompose(
            ticket ->
                ticket.isPresent()
                    ? CompletableFuture.completedFuture(joined(ticket.get(), known.isEmpty()))
                    : joinLater(known));
  }

  private CompletionStage<Plan> joinLater(Optional<LogIdentity> known) {
    if (joinDeadlineNanos - System.nanoTime() <= 0) {
      throw new Bootstrap.RefusedException(
          "cannot fetch cluster info from peer urls: could not retrieve cluster information from"
              + " the given URLs, "
              + settings.initialCluster().members());
    }
    return CompletableFuture.supplyAsync(
            () -> known,
            CompletableFuture.delayedExecutor(
                JOIN_RETRY_DELAY.toMillis(), TimeUnit.MILLISECONDS, environment.readExecutor()))
        .thenCompose(this::join);
  }

  /** Its log is empty: it gets everything from the leader. */
  private static Plan joined(Joining.Ticket ticket, boolean initialise) {
    LogIdentity own = ticket.identity();
    RecoveredLog empty = new RecoveredLog(own, HardState.INITIAL, LogPosition.ZERO, List.of());
    return new Plan(
        new RunningGroup.Start(own, empty, null, ticket.membership(), false),
        initialise,
        List.of());
  }
}
