package io.kvorum.actors.divergence;

import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.actors.telemetry.Telemetry;
import io.kvorum.persistence.mvcc.RevisionChain;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.ChainAnswer;
import io.kvorum.protocol.internal.ChainQuestion;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.stream.Stream;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** While this member leads, compares the other members' rolling hashes with its own. */
public final class DivergenceWatch extends AbstractBehavior<DivergenceWatch.Message> {
  private static final Logger log = LoggerFactory.getLogger(DivergenceWatch.class);

  /** Between two questions to the same member. */
  private static final Duration INTERVAL = Duration.ofSeconds(1);

  /** What the watch is told. */
  public sealed interface Message {}

  private record Look() implements Message {}

  private record Answered(MemberId member, ChainAnswer answer) implements Message {}

  private record Unanswered(MemberId member) implements Message {}

  /** What the watch sees of its group. Any thread; nothing here blocks. */
  public interface Group {
    MemberId self();

    boolean isLeader();

    Configuration configuration();

    /** The rolling hash of what this member's keyspace holds now. */
    RevisionChain chain();

    /** Asks another member; fails if it does not answer in time. */
    CompletionStage<ChainAnswer> ask(MemberId member, ChainQuestion question);

    /** Members were found to hold different data; said again as long as they do. */
    void found(Divergence divergence);
  }

  private final Group group;
  private final DivergenceMetrics metrics;

  /** Asked, and not answered yet: a member is asked one thing at a time. */
  private final Set<MemberId> asked = new HashSet<>();

  /** Null while this member does not lead. */
  private @Nullable DivergenceDetector detector;

  private DivergenceWatch(ActorContext<Message> context, Group group, Telemetry telemetry) {
    super(context);
    this.group = group;
    this.metrics = new DivergenceMetrics(telemetry);
  }

  public static Behavior<Message> create(Group group, Telemetry telemetry) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> {
                  timers.startTimerWithFixedDelay(new Look(), INTERVAL);
                  return new DivergenceWatch(context, group, telemetry);
                }));
  }

  @Override
  public Receive<Message> createReceive() {
    return newReceiveBuilder().onMessage(Message.class, this::onMessage).build();
  }

  private Behavior<Message> onMessage(Message message) {
    DivergenceDetector current = current();
    switch (message) {
      case Look look -> {
        if (current != null) {
          current.nextRound(group.configuration());
          others().forEach(member -> ask(current, member));
        }
      }
      case Answered(var member, var answer) -> {
        asked.remove(member);
        if (current != null && current.heard(member, answer)) {
          ask(current, member);
        }
      }
      case Unanswered(var member) -> asked.remove(member);
    }
    if (current != null) {
      tell(current);
    }
    return this;
  }

  /** The one that compares with what is in force, and knows nothing of earlier leaderships. */
  private @Nullable DivergenceDetector current() {
    if (!group.isLeader()) {
      if (detector != null) {
        others().forEach(member -> metrics.compared(member, 0, 0));
      }
      detector = null;
    } else if (detector == null || detector.own() != group.chain()) {
      detector = new DivergenceDetector(group.self(), group.chain());
    }
    return detector;
  }

  private Stream<MemberId> others() {
    Configuration configuration = group.configuration();
    return Stream.concat(configuration.voters().stream(), configuration.learners().stream())
        .filter(member -> !member.equals(group.self()));
  }

  private void ask(DivergenceDetector current, MemberId member) {
    if (asked.add(member)) {
      getContext()
          .pipeToSelf(
              group.ask(member, current.question(member)),
              (answer, failure) ->
                  failure == null ? new Answered(member, answer) : new Unanswered(member));
    }
  }

  private void tell(DivergenceDetector current) {
    others()
        .forEach(
            member ->
                metrics.compared(
                    member, current.agreed(member).orElse(0), current.differing(member).orElse(0)));
    for (Divergence divergence : current.found(group.configuration())) {
      metrics.found.increment();
      log.error("{}", divergence.text());
      group.found(divergence);
    }
  }
}
