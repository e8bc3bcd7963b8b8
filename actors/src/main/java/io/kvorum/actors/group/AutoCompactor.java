package io.kvorum.actors.group;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.CompactionRequest;
import io.kvorum.protocol.etcdserverpb.CompactionResponse;
import io.kvorum.protocol.internal.Command;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Has the group's history compacted by its schedule, through the log, while this member leads. */
final class AutoCompactor extends AbstractBehavior<AutoCompactor.Message> {
  private static final Logger log = LoggerFactory.getLogger(AutoCompactor.class);

  /** What the compactor is told. */
  sealed interface Message {}

  private record Look() implements Message {}

  private record Answered(long revision, Outcome<CompactionResponse.Builder> outcome)
      implements Message {}

  private record Failed(long revision, Throwable cause) implements Message {}

  private final TimerScheduler<Message> timers;
  private final CompactionSchedule schedule;
  private final Group group;

  private AutoCompactor(
      ActorContext<Message> context,
      TimerScheduler<Message> timers,
      CompactionSchedule schedule,
      Group group) {
    super(context);
    this.timers = timers;
    this.schedule = schedule;
    this.group = group;
    look();
  }

  static Behavior<Message> create(CompactionSchedule schedule, Group group) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(timers -> new AutoCompactor(context, timers, schedule, group)));
  }

  @Override
  public Receive<Message> createReceive() {
    return newReceiveBuilder().onMessage(Message.class, this::onMessage).build();
  }

  private Behavior<Message> onMessage(Message message) {
    switch (message) {
      case Look look -> look();
      case Answered(var revision, var outcome) -> onAnswered(revision, outcome);
      case Failed(var revision, var cause) -> onFailed(revision, cause.toString());
    }
    return this;
  }

  private void look() {
    GroupStatus status = group.status();
    long due =
        schedule.look(
            System.nanoTime(), status.currentRevision(), status.leader().equals(status.member()));
    if (due == CompactionSchedule.NOTHING) {
      lookAgain();
      return;
    }
    log.info("starting automatic compaction at revision {}", due);
    Command.Builder command =
        Command.newBuilder().setCompaction(CompactionRequest.newBuilder().setRevision(due));
    getContext()
        .pipeToSelf(
            group.propose(command, CompactionResponse.Builder.class),
            (outcome, failure) ->
                failure == null ? new Answered(due, outcome) : new Failed(due, failure));
  }

  private void onAnswered(long revision, Outcome<CompactionResponse.Builder> outcome) {
    switch (outcome) {
      case Outcome.Ok<CompactionResponse.Builder> ok -> onCompacted(revision);
      case Outcome.Refused<CompactionResponse.Builder>(var error) -> {
        if (error == EtcdError.COMPACTED) {
          onCompacted(revision);
        } else {
          onFailed(revision, error.text());
        }
      }
    }
  }

  private void onCompacted(long revision) {
    log.info("completed automatic compaction at revision {}", revision);
    schedule.compacted(revision, System.nanoTime());
    lookAgain();
  }

  private void onFailed(long revision, String why) {
    log.warn(
        "automatic compaction at revision {} failed, trying again in {}: {}",
        revision,
        schedule.interval(),
        why);
    lookAgain();
  }

  private void lookAgain() {
    timers.startSingleTimer(new Look(), schedule.interval());
  }
}
