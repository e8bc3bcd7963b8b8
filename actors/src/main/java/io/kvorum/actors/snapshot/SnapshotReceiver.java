package io.kvorum.actors.snapshot;

import io.kvorum.actors.apply.Applier;
import io.kvorum.actors.raft.ReplicaMessage;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.mvcc.KeyspaceStaging;
import io.kvorum.persistence.snapshot.SnapshotChunk;
import io.kvorum.persistence.snapshot.SnapshotException;
import io.kvorum.persistence.snapshot.SnapshotTrailer;
import io.kvorum.persistence.snapshot.SnapshotWriter;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.time.Duration;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Receives snapshots, one at a time, and puts into force those that the replica wants. The order of
 * the steps, each durable before the next: the keyspace is switched, and says so; the log is
 * emptied; the keyspace is told; the replica goes on.
 *
 * <p>Writes the disk on its own thread.
 */
final class SnapshotReceiver extends AbstractBehavior<SnapshotReceiver.Message> {
  private static final Logger log = LoggerFactory.getLogger(SnapshotReceiver.class);

  /** Damaged chunks of one transfer; then something is wrong with more than one of them. */
  private static final int MAX_DAMAGED_CHUNKS = 3;

  private static final Duration RETRY_DELAY = Duration.ofSeconds(1);

  /** What the receiver is told. */
  sealed interface Message {}

  /** A peer spoke. */
  record Heard(MemberId from, SnapshotMessage message) implements Message {}

  /** The replica wants the snapshot that it was told of. */
  record Install(LogPosition at) implements Message {}

  /** The replica does not want it. */
  record Discard(LogPosition at) implements Message {}

  private record Switched(Applier.Installed installed) implements Message {}

  /** The log is empty and begins behind this position, durably. */
  record LogReplaced(LogPosition at) implements Message {}

  /** The log's actor was started anew: what it was told before may be lost. */
  record LogRestarted() implements Message {}

  private enum Timer implements Message {
    ABANDON,
    FINISH
  }

  /**
   * What the receiver works with.
   *
   * @param replaceLog has the log emptied; answered by {@link LogReplaced}
   */
  record Surroundings(
      GroupId group,
      long clusterId,
      Keyspace keyspace,
      SnapshotChannel channel,
      Consumer<ReplicaMessage> replica,
      ActorRef<Applier.Message> applier,
      Consumer<LogPosition> replaceLog,
      SnapshotMetrics metrics) {}

  /** Which transfer. */
  private record Transfer(MemberId from, long id, long term, LogPosition at, long begunNanos) {}

  /** How far the one snapshot at hand has come. */
  private sealed interface Stage {}

  private record Idle() implements Stage {}

  private record Receiving(Transfer transfer, SnapshotWriter writer) implements Stage {}

  /** Complete; the replica decides. */
  private record Holding(Transfer transfer, KeyspaceStaging snapshot) implements Stage {}

  private record Switching(LogPosition at) implements Stage {}

  private record ReplacingLog(Applier.Installed installed) implements Stage {}

  private record Finishing(Applier.Installed installed) implements Stage {}

  private final TimerScheduler<Message> timers;
  private final SnapshotSettings settings;
  private final Surroundings outside;
  private final ActorRef<Applier.Installed> switched;
  private Stage stage = new Idle();

  /** The transfer that was last completed, for a sender that did not hear of it. */
  private long lastVerified;

  private long askedFor = -1;
  private int damagedChunks;

  private SnapshotReceiver(
      ActorContext<Message> context,
      TimerScheduler<Message> timers,
      SnapshotSettings settings,
      Surroundings outside) {
    super(context);
    this.timers = timers;
    this.settings = settings;
    this.outside = outside;
    this.switched = context.messageAdapter(Applier.Installed.class, Switched::new);
  }

  static Behavior<Message> create(SnapshotSettings settings, Surroundings outside) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new SnapshotReceiver(context, timers, settings, outside)));
  }

  @Override
  public Receive<Message> createReceive() {
    return newReceiveBuilder()
        .onMessage(Message.class, this::onMessage)
        .onSignal(PostStop.class, stop -> onStopped())
        .build();
  }

  private Behavior<Message> onStopped() {
    switch (stage) {
      case Receiving(_, var writer) -> writer.close();
      case Holding(_, var snapshot) -> snapshot.close();
      case Idle idle -> {}
      case Switching switching -> {}
      case ReplacingLog replacing -> {}
      case Finishing finishing -> {}
    }
    return this;
  }

  private Behavior<Message> onMessage(Message message) {
    switch (message) {
      case Heard(var from, var heard) -> onHeard(from, heard);
      case Install(var at) -> install(at);
      case Discard(var at) -> discard(at);
      case Switched(var installed) -> {
        stage = new ReplacingLog(installed);
        outside.replaceLog().accept(installed.at());
      }
      case LogReplaced(var at) -> onLogReplaced(at);
      case LogRestarted restarted -> {
        if (stage instanceof ReplacingLog(var installed)) {
          outside.replaceLog().accept(installed.at());
        }
      }
      case Timer.ABANDON -> {
        if (stage instanceof Receiving receiving) {
          fail(receiving, "nothing was heard of the sender");
        }
      }
      case Timer.FINISH -> finish();
    }
    return this;
  }

  // The transfer

  private void onHeard(MemberId from, SnapshotMessage message) {
    switch (message) {
      case SnapshotMessage.Offer offer -> onOffer(from, offer);
      case SnapshotMessage.Chunk chunk -> onChunk(chunk);
      case SnapshotMessage.Done done -> onDone(from, done);
      case SnapshotMessage.Abort(var id, var reason) -> {
        if (stage instanceof Receiving receiving && receiving.transfer().id() == id) {
          log.warn("member {} gave up sending its snapshot: {}", from, reason);
          drop(receiving);
        }
      }
      case SnapshotMessage.Accept accept -> {}
      case SnapshotMessage.Ack ack -> {}
      case SnapshotMessage.Verified verified -> {}
    }
  }

  private void onOffer(MemberId from, SnapshotMessage.Offer offer) {
    if (offer.id() == lastVerified) {
      reply(from, new SnapshotMessage.Verified(offer.id()));
      return;
    }
    LogPosition applied = outside.keyspace().applied();
    if (offer.at().index() <= applied.index()) {
      refuse(from, offer, "this member has applied entry " + applied.index());
      return;
    }
    switch (stage) {
      case Idle idle -> begin(from, offer);
      case Receiving receiving -> onOfferWhileReceiving(receiving, from, offer);
      case Holding holding -> refuse(from, offer, "another one has just arrived");
      case Switching switching -> refuseWhileInstalling(from, offer);
      case ReplacingLog replacing -> refuseWhileInstalling(from, offer);
      case Finishing finishing -> refuseWhileInstalling(from, offer);
    }
  }

  private void refuseWhileInstalling(MemberId from, SnapshotMessage.Offer offer) {
    refuse(from, offer, "another one is being installed");
  }

  private void onOfferWhileReceiving(
      Receiving receiving, MemberId from, SnapshotMessage.Offer offer) {
    Transfer transfer = receiving.transfer();
    if (transfer.id() == offer.id()) {
      heardOfSender();
      reply(from, new SnapshotMessage.Accept(offer.id(), receiving.writer().nextChunk()));
    } else if (offer.term() < transfer.term()) {
      refuse(from, offer, "a leader of a later term sends one");
    } else {
      fail(receiving, "another one was begun");
      begin(from, offer);
    }
  }

  private void begin(MemberId from, SnapshotMessage.Offer offer) {
    KeyspaceStaging staging;
    try {
      staging = outside.keyspace().stage(offer.estimatedBytes());
    } catch (StorageException e) {
      refuse(from, offer, e.getMessage());
      return;
    }
    log.info(
        "receiving a snapshot from member {}: entry {}, about {} MiB",
        from,
        offer.at().index(),
        offer.estimatedBytes() >> 20);
    SnapshotWriter writer =
        new SnapshotWriter(staging, outside.group(), outside.clusterId(), offer.at());
    stage =
        new Receiving(
            new Transfer(from, offer.id(), offer.term(), offer.at(), System.nanoTime()), writer);
    askedFor = -1;
    damagedChunks = 0;
    outside.metrics().receiveBegins(from);
    heardOfSender();
    reply(from, new SnapshotMessage.Accept(offer.id(), 0));
  }

  private void onChunk(SnapshotMessage.Chunk chunk) {
    if (!(stage instanceof Receiving receiving) || receiving.transfer().id() != chunk.id()) {
      return;
    }
    heardOfSender();
    SnapshotWriter writer = receiving.writer();
    MemberId from = receiving.transfer().from();
    try {
      switch (writer.write(new SnapshotChunk(chunk.number(), chunk.bytes(), chunk.crc32c()))) {
        case WRITTEN, DUPLICATE ->
            reply(from, new SnapshotMessage.Ack(chunk.id(), writer.nextChunk() - 1));
        case GAP -> askOnce(receiving);
        case DAMAGED -> {
          log.warn("chunk {} of the snapshot from member {} is damaged", chunk.number(), from);
          if (++damagedChunks > MAX_DAMAGED_CHUNKS) {
            fail(receiving, "too many chunks arrive damaged");
          } else {
            askedFor = -1;
            askOnce(receiving);
          }
        }
      }
    } catch (SnapshotException | StorageException e) {
      fail(receiving, String.valueOf(e.getMessage()));
    }
  }

  /** All that follow a lost chunk in the window show the same gap. */
  private void askOnce(Receiving receiving) {
    long next = receiving.writer().nextChunk();
    if (askedFor != next) {
      askedFor = next;
      reply(
          receiving.transfer().from(),
          new SnapshotMessage.Accept(receiving.transfer().id(), next));
    }
  }

  private void onDone(MemberId from, SnapshotMessage.Done done) {
    if (done.id() == lastVerified) {
      reply(from, new SnapshotMessage.Verified(done.id()));
      return;
    }
    if (!(stage instanceof Receiving(var transfer, var writer)) || transfer.id() != done.id()) {
      return;
    }
    heardOfSender();
    if (writer.nextChunk() < done.chunks()) {
      reply(from, new SnapshotMessage.Accept(done.id(), writer.nextChunk()));
      return;
    }
    long begunNanos = System.nanoTime();
    KeyspaceStaging snapshot;
    try {
      snapshot = writer.finish(new SnapshotTrailer(done.chunks(), done.sha256()));
    } catch (SnapshotException | StorageException e) {
      fail(new Receiving(transfer, writer), String.valueOf(e.getMessage()));
      return;
    }
    long now = System.nanoTime();
    timers.cancel(Timer.ABANDON);
    stage = new Holding(transfer, snapshot);
    lastVerified = done.id();
    outside.metrics().received(from, now - transfer.begunNanos(), now - begunNanos);
    log.info("received a snapshot from member {}: entry {}", from, transfer.at().index());
    reply(from, new SnapshotMessage.Verified(done.id()));
    outside
        .replica()
        .accept(new ReplicaMessage.SnapshotReceived(from, transfer.term(), transfer.at()));
  }

  private void heardOfSender() {
    timers.startSingleTimer(Timer.ABANDON, settings.abandonAfter());
  }

  private void refuse(MemberId from, SnapshotMessage.Offer offer, @Nullable String why) {
    log.info("a snapshot of member {} at entry {} is refused: {}", from, offer.at().index(), why);
    reply(from, new SnapshotMessage.Abort(offer.id(), String.valueOf(why)));
  }

  private void fail(Receiving receiving, String why) {
    log.warn(
        "receiving a snapshot from member {} is given up: {}", receiving.transfer().from(), why);
    reply(
        receiving.transfer().from(), new SnapshotMessage.Abort(receiving.transfer().id(), why));
    drop(receiving);
  }

  private void drop(Receiving receiving) {
    timers.cancel(Timer.ABANDON);
    receiving.writer().close();
    outside.metrics().receiveFails(receiving.transfer().from());
    stage = new Idle();
  }

  private void reply(MemberId to, SnapshotMessage message) {
    outside.channel().send(to, message);
  }

  // The installation

  private void install(LogPosition at) {
    if (!(stage instanceof Holding(var transfer, var snapshot)) || !transfer.at().equals(at)) {
      throw new IllegalStateException("asked to install the snapshot at " + at + " in " + stage);
    }
    stage = new Switching(at);
    outside.metrics().installing.set(1);
    outside.applier().tell(new Applier.Install(snapshot, switched));
  }

  private void discard(LogPosition at) {
    if (stage instanceof Holding(var transfer, var snapshot) && transfer.at().equals(at)) {
      log.info("the snapshot at entry {} is not needed", at.index());
      snapshot.close();
      stage = new Idle();
    }
  }

  private void onLogReplaced(LogPosition at) {
    if (stage instanceof ReplacingLog(var installed) && installed.at().equals(at)) {
      stage = new Finishing(installed);
      finish();
    }
  }

  private void finish() {
    if (!(stage instanceof Finishing(var installed))) {
      return;
    }
    try {
      outside.keyspace().installFinished();
    } catch (StorageException e) {
      log.error(
          "the installed snapshot cannot be completed, trying again in {}: {}",
          RETRY_DELAY,
          e.getMessage());
      timers.startSingleTimer(Timer.FINISH, RETRY_DELAY);
      return;
    }
    stage = new Idle();
    outside.metrics().installing.set(0);
    outside
        .replica()
        .accept(
            new ReplicaMessage.SnapshotInstalled(installed.at(), installed.configuration()));
  }
}
