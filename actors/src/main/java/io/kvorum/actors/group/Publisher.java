package io.kvorum.actors.group;

import io.kvorum.actors.cluster.GroupPeers;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.internal.ClusterVersion;
import io.kvorum.protocol.internal.Command;
import io.kvorum.protocol.internal.MemberAttributes;
import io.kvorum.protocol.internal.Membership;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a member says through the log by itself: its name and client URLs at each start, and, while
 * it leads, the cluster's version. Says once when it may serve: when the cluster knows it, and it
 * is not about to decide on a version.
 */
final class Publisher extends AbstractBehavior<Publisher.Message> {
  private static final Logger log = LoggerFactory.getLogger(Publisher.class);
  private static final Duration RETRY_DELAY = Duration.ofMillis(500);

  /** A leader looks this often whether the cluster's version can be raised. */
  private static final Duration VERSION_CHECK_INTERVAL = Duration.ofMillis(500);

  /** What the publisher is told. */
  sealed interface Message {}

  /** There is a leader (again), so that a proposal can succeed. */
  record LeaderKnown() implements Message {}

  private record Publish() implements Message {}

  private record Published(Outcome<Membership> outcome) implements Message {}

  private record CheckVersion() implements Message {}

  private record VersionDecided(Outcome<Membership> outcome) implements Message {}

  private final TimerScheduler<Message> timers;
  private final GroupSettings settings;
  private final RunningGroup group;
  private final Runnable ready;
  private boolean published;
  private boolean deciding;

  private Publisher(
      ActorContext<Message> context,
      TimerScheduler<Message> timers,
      GroupSettings settings,
      RunningGroup group,
      Runnable ready) {
    super(context);
    this.timers = timers;
    this.settings = settings;
    this.group = group;
    this.ready = ready;
    timers.startTimerWithFixedDelay(new CheckVersion(), VERSION_CHECK_INTERVAL);
  }

  /**
   * @param ready called, on this actor's thread and perhaps more than once, when the member serves
   */
  static Behavior<Message> create(GroupSettings settings, RunningGroup group, Runnable ready) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(timers -> new Publisher(context, timers, settings, group, ready)));
  }

  @Override
  public Receive<Message> createReceive() {
    return newReceiveBuilder().onMessage(Message.class, this::onMessage).build();
  }

  private Behavior<Message> onMessage(Message message) {
    switch (message) {
      case LeaderKnown known -> publish();
      case Publish again -> publish();
      case Published(var outcome) -> onPublished(outcome);
      case CheckVersion check -> checkVersion();
      case VersionDecided(var outcome) -> onVersionDecided(outcome);
    }
    return this;
  }

  private MemberId self() {
    return group.identity().member();
  }

  private void publish() {
    if (!published) {
      var attributes =
          MemberAttributes.newBuilder()
              .setMemberId(self().value())
              .setName(settings.memberName())
              .addAllClientUrls(settings.clientUrls());
      propose(Command.newBuilder().setMemberAttributes(attributes), Published::new);
    }
  }

  private void onPublished(Outcome<Membership> outcome) {
    switch (outcome) {
      case Outcome.Refused<Membership>(var error) -> {
        log.warn("publishing this member failed, trying again: {}", error.text());
        timers.startSingleTimer(new Publish(), RETRY_DELAY);
      }
      case Outcome.Ok<Membership> ok -> {
        if (!published) {
          published = true;
          log.info("published local member to cluster through raft");
          checkVersion();
          readyUnlessDeciding();
        }
      }
    }
  }

  /** Decides the cluster's version, if this member leads and can. */
  private void checkVersion() {
    if (published && !deciding && group.local().leader().equals(self())) {
      VersionNegotiation.decide(group.membership(), this::serverVersion)
          .ifPresent(
              next -> {
                deciding = true;
                propose(
                    Command.newBuilder()
                        .setClusterVersion(ClusterVersion.newBuilder().setVersion(next)),
                    VersionDecided::new);
              });
    }
  }

  private Optional<String> serverVersion(MemberId member) {
    if (member.equals(self())) {
      return Optional.of(settings.serverVersion());
    }
    return Optional.ofNullable(group.peers().links().get(member))
        .map(GroupPeers.Link::serverVersion)
        .filter(version -> !version.isEmpty());
  }

  private void onVersionDecided(Outcome<Membership> outcome) {
    deciding = false;
    if (outcome instanceof Outcome.Ok<Membership>(var membership)) {
      log.info("the cluster's version is {}", membership.getClusterVersion());
    }
    readyUnlessDeciding();
  }

  private void readyUnlessDeciding() {
    if (published && !deciding) {
      ready.run();
    }
  }

  private void propose(
      Command.Builder command, Function<Outcome<Membership>, Message> whenApplied) {
    CompletionStage<Outcome<Membership>> proposal =
        group.local().propose(command, Membership.class);
    getContext()
        .pipeToSelf(
            proposal,
            (outcome, failure) -> {
              if (failure != null) {
                throw new IllegalStateException("a proposal of this member failed", failure);
              }
              return whenApplied.apply(outcome);
            });
  }
}
