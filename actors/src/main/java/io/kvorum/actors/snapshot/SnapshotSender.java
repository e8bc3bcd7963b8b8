package io.kvorum.actors.snapshot;

import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.persistence.snapshot.SnapshotChunk;
import io.kvorum.persistence.snapshot.SnapshotReader;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
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
 * Sends one snapshot to one follower. The receiver leads: the offer is repeated until it says from
 * which chunk on it wants them, a window of chunks is on its way, and each acknowledgement opens it
 * further. After silence the offer is repeated, so that whatever was lost is sent again from where
 * the receiver stands; one that has lost everything begins anew on the same view.
 *
 * <p>Reads the disk on its own thread. Reports once, and is stopped by who started it.
 */
final class SnapshotSender extends AbstractBehavior<SnapshotSender.Message> {
  private static final Logger log = LoggerFactory.getLogger(SnapshotSender.class);

  /** Chunks read in one go, so that other transfers have their turn on the same threads. */
  private static final int CHUNKS_A_TURN = 8;

  /** What the sender is told. */
  sealed interface Message {}

  /** The follower spoke. */
  record Heard(SnapshotMessage message) implements Message {}

  private enum Timer implements Message {
    SEND,
    REPEAT
  }

  /**
   * What came of it.
   *
   * @param at where the snapshot ends; zero if it could not even be begun
   */
  record Ended(MemberId to, LogPosition at, boolean delivered) {}

  /** Where to, and under which name. */
  record Target(MemberId to, long term, long id) {}

  private final TimerScheduler<Message> timers;
  private final Target target;
  private final SnapshotSettings settings;
  private final SnapshotReader reader;
  private final SnapshotChannel channel;
  private final ActorRef<Ended> replyTo;
  private final Pace pace;
  private final LogPosition at;
  private final long estimatedBytes;

  /** Chunks read and not acknowledged, consecutive; bounded by the window. */
  private final ArrayDeque<SnapshotChunk> unacknowledged = new ArrayDeque<>();

  /** The reader gives this one next. */
  private long nextToRead;

  /** The receiver has all before this one. */
  private long nextToSend;

  private long furthest;
  private boolean accepted;
  private boolean doneSent;
  private boolean progressed;
  private boolean ended;
  private int repeats;

  private SnapshotSender(
      ActorContext<Message> context,
      TimerScheduler<Message> timers,
      Target target,
      SnapshotSettings settings,
      SnapshotReader reader,
      SnapshotChannel channel,
      ActorRef<Ended> replyTo,
      LongSupplier nanoClock) {
    super(context);
    this.timers = timers;
    this.target = target;
    this.settings = settings;
    this.reader = reader;
    this.channel = channel;
    this.replyTo = replyTo;
    this.pace = new Pace(settings.bytesPerSecond(), nanoClock);
    this.at = reader.header().at();
    this.estimatedBytes = reader.estimatedBytes();
  }

  /**
   * @param open begins to read the keyspace; called on the actor's thread
   * @param replyTo hears the outcome
   * @param nanoClock for the pace
   */
  static Behavior<Message> create(
      Target target,
      SnapshotSettings settings,
      Supplier<SnapshotReader> open,
      SnapshotChannel channel,
      ActorRef<Ended> replyTo,
      LongSupplier nanoClock) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> {
                  SnapshotReader reader;
                  try {
                    reader = open.get();
                  } catch (StorageException | IllegalStateException e) {
                    log.warn("a snapshot for member {} cannot be read: {}", target.to(), e.getMessage());
                    replyTo.tell(new Ended(target.to(), LogPosition.ZERO, false));
                    return Behaviors.empty();
                  }
                  SnapshotSender sender =
                      new SnapshotSender(
                          context, timers, target, settings, reader, channel, replyTo, nanoClock);
                  sender.begin();
                  return sender;
                }));
  }

  private void begin() {
    log.info(
        "sending a snapshot to member {}: entry {}, revision {}, about {} MiB",
        target.to(),
        at.index(),
        reader.header().revision(),
        estimatedBytes >> 20);
    timers.startTimerWithFixedDelay(Timer.REPEAT, settings.repeatAfter());
    offer();
  }

  private void offer() {
    send(new SnapshotMessage.Offer(target.id(), target.term(), at, estimatedBytes));
  }

  private void send(SnapshotMessage message) {
    channel.send(target.to(), message);
  }

  @Override
  public Receive<Message> createReceive() {
    return newReceiveBuilder()
        .onMessage(Message.class, this::onMessage)
        .onSignal(PostStop.class, stop -> onStopped())
        .build();
  }

  private Behavior<Message> onStopped() {
    reader.close();
    return this;
  }

  private Behavior<Message> onMessage(Message message) {
    if (ended) {
      return this;
    }
    try {
      switch (message) {
        case Heard(var heard) -> onHeard(heard);
        case Timer.SEND -> sendChunks();
        case Timer.REPEAT -> repeat();
      }
    } catch (StorageException | IllegalStateException e) {
      giveUp("the keyspace cannot be read: " + e.getMessage());
    }
    return this;
  }

  private void onHeard(SnapshotMessage message) {
    if (message.id() != target.id()) {
      return;
    }
    switch (message) {
      case SnapshotMessage.Accept(_, var fromChunk) -> goOnFrom(fromChunk);
      case SnapshotMessage.Ack(_, var upTo) -> acknowledged(upTo + 1);
      case SnapshotMessage.Verified verified -> end(true);
      case SnapshotMessage.Abort(_, var reason) -> {
        log.warn("member {} does not take the snapshot: {}", target.to(), reason);
        end(false);
      }
      case SnapshotMessage.Offer offer -> {}
      case SnapshotMessage.Chunk chunk -> {}
      case SnapshotMessage.Done done -> {}
    }
  }

  /** The receiver says where it stands. */
  private void goOnFrom(long chunk) {
    if (chunk < nextToRead - unacknowledged.size()) {
      if (chunk > 0) {
        // Overtaken by an acknowledgement: it stood there once.
        return;
      }
      // It has nothing (any more).
      reader.rewind();
      unacknowledged.clear();
      nextToRead = 0;
    }
    accepted = true;
    doneSent = false;
    nextToSend = chunk;
    has(chunk);
    sendChunks();
  }

  private void acknowledged(long chunk) {
    nextToSend = Math.max(nextToSend, chunk);
    has(chunk);
    sendChunks();
  }

  /** The receiver has all chunks before this one. */
  private void has(long chunk) {
    while (!unacknowledged.isEmpty() && unacknowledged.getFirst().number() < chunk) {
      unacknowledged.removeFirst();
    }
    if (chunk > furthest) {
      furthest = chunk;
      progressed = true;
    }
  }

  private void sendChunks() {
    int read = 0;
    while (accepted && !paused()) {
      SnapshotChunk chunk = kept(nextToSend);
      if (chunk == null) {
        if (unacknowledged.size() >= settings.windowChunks()) {
          return;
        }
        if (read++ == CHUNKS_A_TURN) {
          getContext().getSelf().tell(Timer.SEND);
          return;
        }
        chunk = reader.next();
        if (chunk == null) {
          sendDone();
          return;
        }
        nextToRead = chunk.number() + 1;
        if (chunk.number() < nextToSend) {
          continue;
        }
        unacknowledged.addLast(chunk);
      }
      nextToSend++;
      pace.sent(chunk.bytes().size());
      send(
          new SnapshotMessage.Chunk(target.id(), chunk.number(), chunk.bytes(), chunk.crc32c()));
    }
  }

  private boolean paused() {
    long waitNanos = pace.waitNanos();
    if (waitNanos <= 0) {
      return false;
    }
    timers.startSingleTimer(Timer.SEND, Duration.ofNanos(waitNanos));
    return true;
  }

  /** A chunk that was read and is not acknowledged. */
  private @Nullable SnapshotChunk kept(long number) {
    if (unacknowledged.isEmpty() || number >= nextToRead) {
      return null;
    }
    for (SnapshotChunk chunk : unacknowledged) {
      if (chunk.number() == number) {
        return chunk;
      }
    }
    return null;
  }

  private void sendDone() {
    if (unacknowledged.isEmpty() && !doneSent) {
      doneSent = true;
      var trailer = reader.trailer();
      send(new SnapshotMessage.Done(target.id(), trailer.chunks(), trailer.sha256()));
    }
  }

  private void repeat() {
    if (progressed) {
      progressed = false;
      repeats = 0;
    } else if (++repeats > settings.maxRepeats()) {
      giveUp("nothing was heard of it");
    } else {
      offer();
    }
  }

  private void giveUp(String reason) {
    log.warn("sending a snapshot to member {} is given up: {}", target.to(), reason);
    send(new SnapshotMessage.Abort(target.id(), reason));
    end(false);
  }

  private void end(boolean delivered) {
    ended = true;
    timers.cancelAll();
    replyTo.tell(new Ended(target.to(), at, delivered));
  }
}
