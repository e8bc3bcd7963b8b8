package io.kvorum.actors.group;

import io.kvorum.actors.group.GroupSettings.Safeguards;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has the members' records compared now and then while this member leads, one comparison at a time:
 * what comes due meanwhile waits for its next turn.
 */
final class CorruptionMonitor extends AbstractBehavior<CorruptionMonitor.Message> {
  private static final Logger log = LoggerFactory.getLogger(CorruptionMonitor.class);

  /** What the monitor is told. */
  sealed interface Message {}

  private record CheckEverything() implements Message {}

  private record CheckCompactions() implements Message {}

  private record Finished() implements Message {}

  private record Failed(Throwable cause) implements Message {}

  private final Group group;
  private final CorruptionCheck check;
  private boolean checking;

  private CorruptionMonitor(
      ActorContext<Message> context,
      TimerScheduler<Message> timers,
      Safeguards safeguards,
      Group group,
      CorruptionCheck check) {
    super(context);
    this.group = group;
    this.check = check;
    every(timers, safeguards.checkInterval(), new CheckEverything());
    every(timers, safeguards.compactionCheckInterval(), new CheckCompactions());
  }

  static Behavior<Message> create(Safeguards safeguards, Group group, CorruptionCheck check) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new CorruptionMonitor(context, timers, safeguards, group, check)));
  }

  private static void every(TimerScheduler<Message> timers, Duration interval, Message message) {
    if (interval.isPositive()) {
      timers.startTimerWithFixedDelay(message, interval);
    }
  }

  @Override
  public Receive<Message> createReceive() {
    return newReceiveBuilder().onMessage(Message.class, this::onMessage).build();
  }

  private Behavior<Message> onMessage(Message message) {
    switch (message) {
      case CheckEverything due -> {
        if (isTime()) {
          run(check.everything());
        }
      }
      case CheckCompactions due -> {
        if (isTime()) {
          run(check.compactions());
        }
      }
      case Finished finished -> checking = false;
      case Failed(var cause) -> {
        checking = false;
        log.warn("the members' hashes were not compared", cause);
      }
    }
    return this;
  }

  private boolean isTime() {
    return !checking && group.leader().equals(group.member());
  }

  private void run(CompletionStage<Done> comparison) {
    checking = true;
    getContext()
        .pipeToSelf(
            comparison, (done, failure) -> failure == null ? new Finished() : new Failed(failure));
  }
}
