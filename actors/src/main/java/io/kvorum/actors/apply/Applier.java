package io.kvorum.actors.apply;

import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.persistence.mvcc.ApplyBatch;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.mvcc.KeyspaceStaging;
import io.kvorum.persistence.mvcc.LeaseChange;
import io.kvorum.persistence.mvcc.RevisionEvents;
import io.kvorum.protocol.LogPosition;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
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
 * Applies committed entries to the keyspace, in order and each exactly once: the applied index is
 * stored in the same batch as the effects. Answers the callers on this member, then gives the
 * events to the watch hub. Blocks on the disk, so it runs on a thread of its own.
 *
 * <p>While the keyspace's disk is full the entries are kept and tried again; their callers wait.
 */
public final class Applier extends AbstractBehavior<Applier.Message> {
  private static final Logger log = LoggerFactory.getLogger(Applier.class);
  private static final Duration RETRY_DELAY = Duration.ofSeconds(1);

  /**
   * Entries applied to the keyspace in one batch end with the one that passes this size, in bytes.
   */
  private static final long MAX_BATCH_BYTES = 8L << 20;

  /** What the applier is told. */
  public sealed interface Message {}

  /** The next committed entries. */
  public record Apply(List<Entry> entries) implements Message {}

  /**
   * A snapshot takes the place of everything applied so far, and of all entries that still wait: it
   * holds their effects. Answered when keyspace and membership are the snapshot's; tried again
   * until the disk lets it.
   */
  public record Install(KeyspaceStaging snapshot, ActorRef<Installed> replyTo) implements Message {}

  /** The snapshot that ends at this position is in force, with this configuration. */
  public record Installed(LogPosition at, Configuration configuration) {}

  private record Retry() implements Message {}

  /** Whom the applier tells of what it did. Called on its thread; must not block. */
  public interface Listener {
    void events(List<RevisionEvents> revisions);

    /**
     * Entries up to this one have changed leases. Told before anybody learns that they are applied.
     */
    void leases(long index, List<LeaseChange> changes);

    /**
     * The membership changed, or a change of it was refused.
     *
     * @param index up to which entry the log is applied now
     */
    void configuration(Configuration configuration, long index);

    /** The alarms changed. Their callers have no answer yet. */
    void alarms();

    /** A snapshot was installed: the keyspace stands at this revision now, without a way there. */
    void replaced(long currentRevision);

    /** A batch took longer than it should. */
    void slow();

    /** The keyspace takes no writes, or takes them again. */
    void stalled(boolean stalled);

    /** The keyspace's disk holds everything up to this position. On any thread. */
    void durable(LogPosition position);
  }

  /**
   * When the keyspace is made durable, so that the log behind it can be dropped.
   *
   * @param entries after this many applied entries
   * @param bytes or after entries of this size together
   */
  public record SyncPolicy(long entries, long bytes) {}

  /**
   * A batch that is in the keyspace, and whom it has to be told.
   *
   * @param changesMembership whether it holds entries of that kind, also refused ones
   * @param changesAlarms whether alarms were raised or cleared
   */
  private record Applied(
      List<Entry> entries,
      List<EntryApplier.Answer> answers,
      List<RevisionEvents> events,
      List<LeaseChange> leases,
      boolean changesMembership,
      boolean changesAlarms) {}

  private final Keyspace keyspace;
  private final EntryApplier entryApplier;
  private final PendingProposals proposals;
  private final AppliedIndex applied;
  private final SyncPolicy syncPolicy;
  private final KeyspaceSync sync;
  private final long warnApplyNanos;
  private final Listener listener;
  private final TimerScheduler<Message> timers;
  private final ArrayDeque<Entry> waiting = new ArrayDeque<>();
  private @Nullable Install install;
  private long entriesSinceSync;
  private long bytesSinceSync;
  private boolean stalled;
  private boolean refusing;

  /** Applied, but not told anybody: the disk did not let it be made durable. */
  private @Nullable Applied untold;

  private Applier(
      ActorContext<Message> context,
      TimerScheduler<Message> timers,
      Keyspace keyspace,
      EntryApplier entryApplier,
      PendingProposals proposals,
      AppliedIndex applied,
      SyncPolicy syncPolicy,
      Duration warnApply,
      Listener listener) {
    super(context);
    this.timers = timers;
    this.keyspace = keyspace;
    this.entryApplier = entryApplier;
    this.proposals = proposals;
    this.applied = applied;
    this.syncPolicy = syncPolicy;
    this.sync = new KeyspaceSync(keyspace, listener::durable);
    this.warnApplyNanos = warnApply.toNanos();
    this.listener = listener;
  }

  public static Behavior<Message> create(
      Keyspace keyspace,
      EntryApplier entryApplier,
      PendingProposals proposals,
      AppliedIndex applied,
      SyncPolicy syncPolicy,
      Duration warnApply,
      Listener listener) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers ->
                    new Applier(
                        context,
                        timers,
                        keyspace,
                        entryApplier,
                        proposals,
                        applied,
                        syncPolicy,
                        warnApply,
                        listener)));
  }

  @Override
  public Receive<Message> createReceive() {
    return newReceiveBuilder()
        .onMessage(Message.class, this::onMessage)
        .onSignal(PostStop.class, stopped -> onStop())
        .build();
  }

  private Behavior<Message> onStop() {
    sync.close();
    return this;
  }

  private Behavior<Message> onMessage(Message message) {
    switch (message) {
      case Apply(var entries) -> waiting.addAll(entries);
      case Install next -> {
        waiting.clear();
        if (untold != null) {
          answer(untold);
          untold = null;
        }
        install = next;
        stalled = false;
      }
      case Retry retry -> stalled = false;
    }
    if (install != null && !stalled) {
      tryInstall(install);
    }
    while (!stalled && !waiting.isEmpty()) {
      tryNextBatch();
    }
    return this;
  }

  private void tryInstall(Install next) {
    LogPosition at = next.snapshot().position();
    try {
      keyspace.install(next.snapshot());
    } catch (StorageException e) {
      log.error(
          "the snapshot at entry {} cannot be installed, trying again in {}: {}",
          at.index(),
          RETRY_DELAY,
          e.getMessage());
      stall();
      return;
    }
    install = null;
    resume();
    entryApplier.replaced(keyspace);
    entriesSinceSync = 0;
    bytesSinceSync = 0;
    listener.replaced(keyspace.currentRevision());
    applied.advance(at);
    log.info("installed a snapshot: entry {}, revision {}", at.index(), keyspace.currentRevision());
    next.replyTo().tell(new Installed(at, entryApplier.configuration()));
  }

  private void stall() {
    stalled = true;
    refusing = true;
    listener.stalled(true);
    timers.startSingleTimer(new Retry(), RETRY_DELAY);
  }

  private void resume() {
    if (refusing) {
      refusing = false;
      listener.stalled(false);
    }
  }

  private void tryNextBatch() {
    try {
      long begun = System.nanoTime();
      if (untold == null) {
        untold = applyBatch(nextBatch());
      }
      tell(untold);
      warnIfSlow(untold.entries().size(), System.nanoTime() - begun);
    } catch (StorageException e) {
      log.error(
          "the keyspace takes no writes, trying again in {}: {}", RETRY_DELAY, e.getMessage());
      stall();
      return;
    }
    resume();
    List<Entry> batch = untold.entries();
    untold = null;
    batch.forEach(e -> waiting.removeFirst());
    syncWhenDue(batch);
  }

  private void warnIfSlow(int entries, long elapsedNanos) {
    if (elapsedNanos > warnApplyNanos) {
      listener.slow();
      log.warn(
          "apply request took too long: {} entries in {} ms", entries, elapsedNanos / 1_000_000);
    }
  }

  private List<Entry> nextBatch() {
    List<Entry> batch = new ArrayList<>();
    long bytes = 0;
    for (Entry entry : waiting) {
      if (bytes > MAX_BATCH_BYTES) {
        break;
      }
      batch.add(entry);
      bytes += entry.sizeBytes();
    }
    return batch;
  }

  private Applied applyBatch(List<Entry> batched) {
    List<EntryApplier.Answer> answers = new ArrayList<>(batched.size());
    List<RevisionEvents> events;
    List<LeaseChange> leases;
    boolean changesMembership;
    boolean changesAlarms;
    try (ApplyBatch batch = keyspace.beginBatch()) {
      for (Entry entry : batched) {
        answers.add(entryApplier.apply(batch, entry));
      }
      changesMembership =
          entryApplier.changesMembership()
              || batched.stream().anyMatch(e -> e.kind() == EntryKind.MEMBERSHIP);
      changesAlarms = entryApplier.changesAlarms();
      entryApplier.writeTo(batch);
      events = batch.commit();
      leases = batch.leaseChanges();
    } catch (StorageException e) {
      entryApplier.takeBack();
      throw e;
    }
    entryApplier.written();
    return new Applied(batched, answers, events, leases, changesMembership, changesAlarms);
  }

  /**
   * Tells the replica before everybody else: who knows that a membership change is made may ask for
   * the next one. The replica counts majorities by what it is told, so it must not come back with
   * an older membership after a crash, and the keyspace is made durable first.
   */
  private void tell(Applied batch) {
    if (batch.changesMembership()) {
      LogPosition durable = keyspace.sync();
      listener.configuration(entryApplier.configuration(), batch.entries().getLast().index());
      listener.durable(durable);
    }
    if (!batch.leases().isEmpty()) {
      listener.leases(batch.entries().getLast().index(), batch.leases());
    }
    applied.advance(batch.entries().getLast().position());
    if (batch.changesAlarms()) {
      listener.alarms();
    }
    answer(batch);
    listener.events(batch.events());
  }

  private void answer(Applied batch) {
    batch.answers().forEach(answer -> proposals.complete(answer.requestId(), answer.outcome()));
  }

  private void syncWhenDue(List<Entry> batch) {
    entriesSinceSync += batch.size();
    for (Entry entry : batch) {
      bytesSinceSync += entry.sizeBytes();
    }
    if (entriesSinceSync >= syncPolicy.entries() || bytesSinceSync >= syncPolicy.bytes()) {
      entriesSinceSync = 0;
      bytesSinceSync = 0;
      sync.begin();
    }
  }
}
