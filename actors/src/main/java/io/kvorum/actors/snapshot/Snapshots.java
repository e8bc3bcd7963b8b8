package io.kvorum.actors.snapshot;

import io.kvorum.actors.apply.Applier;
import io.kvorum.actors.raft.Ports;
import io.kvorum.actors.raft.ReplicaMessage;
import io.kvorum.actors.telemetry.Telemetry;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.snapshot.SnapshotReader;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.actor.typed.Terminated;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;

/**
 * The snapshots of one group on one member: starts a sender for each follower that needs one, a
 * bounded number at a time, and has one receiver. Their disk work is done on {@code
 * kvorum.snapshot-dispatcher}; this actor does none.
 */
public final class Snapshots extends AbstractBehavior<Snapshots.Message> {
  private static final String DISPATCHER = "kvorum.snapshot-dispatcher";

  /** What it is told. */
  public sealed interface Message {}

  /** A peer sent this. */
  public record FromPeer(MemberId from, SnapshotMessage message) implements Message {}

  /** See {@link Ports.Snapshots#send}. */
  record Send(MemberId to, long term) implements Message {}

  /** See {@link Ports.Snapshots#install}. */
  record Install(LogPosition at) implements Message {}

  /** See {@link Ports.Snapshots#discard}. */
  record Discard(LogPosition at) implements Message {}

  /** The log's actor reports that the log is empty and begins behind this position. */
  public record LogReplaced(LogPosition at) implements Message {}

  /** The log's actor was started anew after its disk had failed. */
  public record LogRestarted() implements Message {}

  private record Ended(SnapshotSender.Ended ended) implements Message {}

  /**
   * What a group's snapshots work with.
   *
   * @param replica where reports go; any thread calls it
   * @param replaceLog has the log emptied so that it begins behind a position; answered by {@link
   *     LogReplaced}
   */
  public record Surroundings(
      GroupId group,
      long clusterId,
      Keyspace keyspace,
      SnapshotChannel channel,
      Consumer<ReplicaMessage> replica,
      ActorRef<Applier.Message> applier,
      Consumer<LogPosition> replaceLog,
      Telemetry telemetry) {}

  private record Sending(ActorRef<SnapshotSender.Message> sender, long begunNanos) {}

  private final SnapshotSettings settings;
  private final Surroundings outside;
  private final RandomGenerator ids;
  private final SnapshotMetrics metrics;
  private final ActorRef<SnapshotReceiver.Message> receiver;
  private final ActorRef<SnapshotSender.Ended> ended;
  private final Map<MemberId, Sending> sending = new HashMap<>();

  /** Terms by follower; bounded by the number of members. */
  private final LinkedHashMap<MemberId, Long> waiting = new LinkedHashMap<>();

  private Snapshots(
      ActorContext<Message> context,
      SnapshotSettings settings,
      Surroundings outside,
      RandomGenerator ids) {
    super(context);
    this.settings = settings;
    this.outside = outside;
    this.ids = ids;
    this.metrics = new SnapshotMetrics(outside.telemetry());
    this.ended = context.messageAdapter(SnapshotSender.Ended.class, Ended::new);
    this.receiver =
        context.spawn(
            SnapshotReceiver.create(
                settings,
                new SnapshotReceiver.Surroundings(
                    outside.group(),
                    outside.clusterId(),
                    outside.keyspace(),
                    outside.channel(),
                    outside.replica(),
                    outside.applier(),
                    outside.replaceLog(),
                    metrics)),
            "receiver",
            DispatcherSelector.fromConfig(DISPATCHER));
    context.watch(receiver);
  }

  /**
   * @param ids of transfers
   */
  public static Behavior<Message> create(
      SnapshotSettings settings, Surroundings outside, RandomGenerator ids) {
    return Behaviors.setup(context -> new Snapshots(context, settings, outside, ids));
  }

  /** The replica's way here. */
  public static Ports.Snapshots port(ActorRef<Message> snapshots) {
    return new Ports.Snapshots() {
      @Override
      public void send(MemberId to, long term) {
        snapshots.tell(new Send(to, term));
      }

      @Override
      public void install(LogPosition at) {
        snapshots.tell(new Install(at));
      }

      @Override
      public void discard(LogPosition at) {
        snapshots.tell(new Discard(at));
      }
    };
  }

  @Override
  public Receive<Message> createReceive() {
    return newReceiveBuilder()
        .onMessage(Message.class, this::onMessage)
        .onSignal(Terminated.class, this::onTerminated)
        .build();
  }

  private Behavior<Message> onMessage(Message message) {
    switch (message) {
      case FromPeer(var from, var heard) -> route(from, heard);
      case Send(var to, var term) -> {
        if (!sending.containsKey(to)) {
          waiting.putLast(to, term);
          startWaiting();
        }
      }
      case Install(var at) -> receiver.tell(new SnapshotReceiver.Install(at));
      case Discard(var at) -> receiver.tell(new SnapshotReceiver.Discard(at));
      case LogReplaced(var at) -> receiver.tell(new SnapshotReceiver.LogReplaced(at));
      case LogRestarted restarted -> receiver.tell(new SnapshotReceiver.LogRestarted());
      case Ended(var outcome) -> onEnded(outcome);
    }
    return this;
  }

  /** Either side may abort; who does not know the transfer ignores it. */
  private void route(MemberId from, SnapshotMessage message) {
    switch (message) {
      case SnapshotMessage.Offer offer -> toReceiver(from, offer);
      case SnapshotMessage.Chunk chunk -> toReceiver(from, chunk);
      case SnapshotMessage.Done done -> toReceiver(from, done);
      case SnapshotMessage.Accept accept -> toSender(from, accept);
      case SnapshotMessage.Ack ack -> toSender(from, ack);
      case SnapshotMessage.Verified verified -> toSender(from, verified);
      case SnapshotMessage.Abort abort -> {
        toSender(from, abort);
        toReceiver(from, abort);
      }
    }
  }

  private void toReceiver(MemberId from, SnapshotMessage message) {
    receiver.tell(new SnapshotReceiver.Heard(from, message));
  }

  private void toSender(MemberId from, SnapshotMessage message) {
    Sending to = sending.get(from);
    if (to != null) {
      to.sender().tell(new SnapshotSender.Heard(message));
    }
  }

  private void startWaiting() {
    Iterator<Map.Entry<MemberId, Long>> next = waiting.entrySet().iterator();
    while (sending.size() < settings.maxSends() && next.hasNext()) {
      Map.Entry<MemberId, Long> entry = next.next();
      next.remove();
      start(entry.getKey(), entry.getValue());
    }
  }

  private void start(MemberId to, long term) {
    // 0 is nobody's: a receiver begins with it.
    long id = ids.nextLong() | 1;
    ActorRef<SnapshotSender.Message> sender =
        getContext()
            .spawn(
                SnapshotSender.create(
                    new SnapshotSender.Target(to, term, id),
                    settings,
                    () ->
                        new SnapshotReader(
                            outside.keyspace().export(),
                            outside.clusterId(),
                            settings.chunkBytes()),
                    outside.channel(),
                    ended,
                    System::nanoTime),
                "sender-" + to + "-" + Long.toHexString(id),
                DispatcherSelector.fromConfig(DISPATCHER));
    getContext().watch(sender);
    sending.put(to, new Sending(sender, System.nanoTime()));
    metrics.sendBegins(to);
  }

  private void onEnded(SnapshotSender.Ended outcome) {
    Sending done = sending.remove(outcome.to());
    if (done != null) {
      getContext().unwatch(done.sender());
      getContext().stop(done.sender());
      report(outcome, done);
    }
  }

  /** A child ends by itself only when it fails in a way that it did not expect. */
  private Behavior<Message> onTerminated(Terminated signal) {
    if (signal.getRef().equals(receiver)) {
      throw new IllegalStateException("the receiver of snapshots has failed");
    }
    sending.entrySet().stream()
        .filter(entry -> entry.getValue().sender().equals(signal.getRef()))
        .map(Map.Entry::getKey)
        .findFirst()
        .ifPresent(
            to -> {
              Sending failed = sending.remove(to);
              if (failed != null) {
                report(new SnapshotSender.Ended(to, LogPosition.ZERO, false), failed);
              }
            });
    return this;
  }

  private void report(SnapshotSender.Ended outcome, Sending sent) {
    metrics.sendEnds(outcome.to(), outcome.delivered(), System.nanoTime() - sent.begunNanos());
    outside
        .replica()
        .accept(new ReplicaMessage.SnapshotSent(outcome.to(), outcome.at(), outcome.delivered()));
    startWaiting();
  }
}
