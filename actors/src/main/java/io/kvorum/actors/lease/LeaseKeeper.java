package io.kvorum.actors.lease;

import io.kvorum.actors.apply.AppliedIndex;
import io.kvorum.actors.telemetry.EtcdMetrics;
import io.kvorum.persistence.mvcc.LeaseChange;
import io.kvorum.persistence.mvcc.LeaseView;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.internal.Command;
import io.kvorum.protocol.internal.LeaseCheckpoints;
import io.kvorum.protocol.internal.LeaseExpiry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The {@link Lessor} of a group on this member, with a clock and one timer, however many leases
 * there are. Reads the leases from the keyspace when it begins and when a snapshot was installed,
 * and blocks meanwhile, so it runs on a thread of its own.
 */
public final class LeaseKeeper extends AbstractBehavior<LeaseKeeper.Message> {
  public static final String DISPATCHER = "kvorum.lease-dispatcher";

  private static final Logger log = LoggerFactory.getLogger(LeaseKeeper.class);

  /** What the keeper is told. */
  public sealed interface Message {}

  /** This member leads this term. */
  public record Leads(long term) implements Message {}

  /** Another member leads, or none. */
  public record Follows() implements Message {}

  /** What the log did to leases, told before anybody learns that it is applied up to the index. */
  public record Changed(long index, List<LeaseChange> changes) implements Message {}

  /** A snapshot was installed. */
  public record Replaced() implements Message {}

  public record Called(LeaseCall call) implements Message {}

  /** The replica's answer to {@link Surroundings#readIndex}. */
  public record Confirmed(long token, long index) implements Message {}

  /** The ids of all leases on this member, in the order of their end as far as it is known here. */
  public record ListLeases(CompletableFuture<List<Long>> reply) implements Message {}

  private record Applied(long token) implements Message {}

  private record Proposed(long number, boolean done) implements Message {}

  private record Wake() implements Message {}

  /**
   * What the keeper stands among.
   *
   * @param leases opens a view of the replicated leases
   * @param readIndex asks the replica, with a token
   * @param propose has a command appended ahead of others'; the reply says whether it took effect
   */
  public record Surroundings(
      Supplier<LeaseView> leases,
      AppliedIndex applied,
      LongConsumer readIndex,
      Function<Command.Builder, CompletionStage<Outcome<Boolean>>> propose,
      EtcdMetrics metrics) {}

  private final TimerScheduler<Message> timers;
  private final Surroundings surroundings;
  private final Lessor lessor;
  private final long originNanos = System.nanoTime();
  private long armedFor = Long.MAX_VALUE;

  private LeaseKeeper(
      ActorContext<Message> context,
      TimerScheduler<Message> timers,
      LeaseRules rules,
      Surroundings surroundings,
      long firstToken) {
    super(context);
    this.timers = timers;
    this.surroundings = surroundings;
    this.lessor = new Lessor(rules, new Effects(context.getSelf()), firstToken);
    load();
  }

  /**
   * @param firstToken tokens are counted from here. Not the same in two lives of a member, nor
   *     within reach of others' tokens
   */
  public static Behavior<Message> create(
      LeaseRules rules, Surroundings surroundings, long firstToken) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new LeaseKeeper(context, timers, rules, surroundings, firstToken)));
  }

  @Override
  public Receive<Message> createReceive() {
    return newReceiveBuilder().onMessage(Message.class, this::onMessage).build();
  }

  private Behavior<Message> onMessage(Message message) {
    long now = now();
    boolean wasPrimary = lessor.isPrimary();
    switch (message) {
      case Leads(var term) -> lessor.leads(term, now);
      case Follows follows -> lessor.follows();
      case Changed(var index, var changes) -> onChanged(index, changes, now);
      case Replaced replaced -> load();
      case Called(var call) -> lessor.call(call, now);
      case Confirmed(var token, var index) -> lessor.confirmed(token, index, now);
      case ListLeases(var reply) -> reply.complete(list());
      case Applied(var token) -> lessor.applied(token, now);
      case Proposed(var number, var done) -> lessor.proposed(number, done, now);
      case Wake wake -> {
        armedFor = Long.MAX_VALUE;
        lessor.wake(now);
      }
    }
    if (lessor.isPrimary() && !wasPrimary && lessor.size() > 0) {
      log.info("counting the time of {} leases", lessor.size());
    }
    arm(now);
    return this;
  }

  /** Does not go back, and goes on while the process is stopped. */
  private long now() {
    return System.nanoTime() - originNanos;
  }

  private void load() {
    try (LeaseView view = surroundings.leases().get()) {
      lessor.load(view.applied().index(), view::forEach);
    }
  }

  private void onChanged(long index, List<LeaseChange> changes, long now) {
    for (LeaseChange change : changes) {
      switch (change) {
        case LeaseChange.Granted(var lease) -> {
          surroundings.metrics().leasesGranted.increment();
          surroundings.metrics().leaseTtl.record(lease.ttlSeconds());
        }
        case LeaseChange.Revoked revoked -> surroundings.metrics().leasesRevoked.increment();
        case LeaseChange.Checkpointed checkpointed -> {}
      }
    }
    lessor.changed(index, changes, now);
  }

  private List<Long> list() {
    List<Long> ids = new ArrayList<>(lessor.size());
    lessor.forEachByExpiry(ids::add);
    return ids;
  }

  private void arm(long now) {
    long next = lessor.nextWakeNanos();
    if (next < armedFor) {
      armedFor = next;
      timers.startSingleTimer(new Wake(), Duration.ofNanos(Math.max(0, next - now)));
    }
  }

  /** What the lessor asks for, done by others. */
  private final class Effects implements LeaseEffects {
    private final ActorRef<Message> self;

    Effects(ActorRef<Message> self) {
      this.self = self;
    }

    @Override
    public void readIndex(long token) {
      surroundings.readIndex().accept(token);
    }

    @Override
    public void awaitApplied(long token, long index) {
      surroundings.applied().whenReached(index, () -> self.tell(new Applied(token)));
    }

    @Override
    public void propose(long number, LeaseExpiry expiry) {
      propose(number, Command.newBuilder().setLeaseExpiry(expiry));
    }

    @Override
    public void propose(long number, LeaseCheckpoints checkpoints) {
      propose(number, Command.newBuilder().setLeaseCheckpoints(checkpoints));
    }

    private void propose(long number, Command.Builder command) {
      surroundings
          .propose()
          .apply(command)
          .thenAccept(
              outcome ->
                  self.tell(
                      new Proposed(
                          number, outcome instanceof Outcome.Ok<Boolean>(var done) && done)));
    }

    @Override
    public void renewed() {
      surroundings.metrics().leasesRenewed.increment();
    }

    @Override
    public void expired(int leases) {
      surroundings.metrics().leasesExpired.add(leases);
    }
  }
}
