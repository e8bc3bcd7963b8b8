package io.kvorum.actors.wal;

import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.Ports;
import io.kvorum.actors.raft.ReplicaMessage;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.persistence.wal.WalRecord;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.internal.LogRecord;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.apache.pekko.actor.Props;
import org.apache.pekko.japi.pf.ReceiveBuilder;
import org.apache.pekko.persistence.AbstractPersistentActor;
import org.apache.pekko.persistence.DeleteMessagesFailure;
import org.apache.pekko.persistence.DeleteMessagesSuccess;
import org.apache.pekko.persistence.Recovery;
import org.apache.pekko.persistence.RecoveryCompleted;
import org.apache.pekko.persistence.SnapshotSelectionCriteria;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Owns a group's write-ahead log: a classic persistent actor, because the typed one can neither
 * persist asynchronously nor delete a range of its events. Writes that arrive while {@value
 * #MAX_WRITES_IN_FLIGHT} are being synced are gathered into one record.
 *
 * <p>Pekko Persistence stops a persistent actor whose journal fails. The parent starts a new one,
 * which recovers what the disk really holds and reports it; the replica then writes again what is
 * missing.
 */
public final class WalActor extends AbstractPersistentActor {
  /**
   * Records on their way to the disk: one being synced, one waiting so that the disk is never idle.
   */
  static final int MAX_WRITES_IN_FLIGHT = 2;

  /** Entries gathered into one record end with the write that passes this size, in bytes. */
  static final long MAX_RECORD_BYTES = 8L << 20;

  private static final Logger log = LoggerFactory.getLogger(WalActor.class);

  /** What the actor is told. */
  public sealed interface Command {}

  /** See {@link Ports.Wal#write}. */
  public record Write(HardState hardState, List<Entry> entries, List<Ports.Envelope> release)
      implements Command {}

  /** Writes the identity that a new log begins with; before any other write. */
  public record Initialise(LogIdentity identity) implements Command {}

  /** See {@link Ports.Wal#compact}. */
  public record Compact(LogPosition base) implements Command {}

  /**
   * A snapshot has taken the place of the log, whatever that holds: it is empty and begins behind
   * this position now, with its identity and hard state. Answered by {@link Replaced}; a repetition
   * does nothing more.
   */
  public record Replace(LogPosition base) implements Command {}

  /** What the actor reports to its owner. */
  public sealed interface Event {}

  /** The log was read; writes are taken from now on. */
  public record Recovered(RecoveredLog log) implements Event {}

  /** The log cannot be read: the process must not start on it. */
  public record RecoveryFailed(Throwable cause) implements Event {}

  /** A write failed; the actor stops. */
  public record WriteFailed(Throwable cause) implements Event {}

  /** The log is empty and begins behind this position, durably. */
  public record Replaced(LogPosition base) implements Event {}

  /** A write is synced. */
  public record Written(ReplicaMessage.Persisted persisted) implements Event {}

  /** Up to which entry a record reaches; ordered by sequence number. */
  private record RecordEnd(long sequenceNr, long lastIndex) {}

  private final GroupId group;
  private final Consumer<Event> events;
  private final ArrayDeque<RecordEnd> recordEnds = new ArrayDeque<>();
  private final List<Write> gathered = new ArrayList<>();
  private @Nullable LogReplay replay = new LogReplay();
  private @Nullable LogIdentity identity;
  private HardState hardState = HardState.INITIAL;
  private LogPosition base = LogPosition.ZERO;
  private LogPosition last = LogPosition.ZERO;
  private int writesInFlight;

  private WalActor(GroupId group, Consumer<Event> events) {
    this.group = group;
    this.events = events;
  }

  /**
   * @param events called from the actor's thread; must not block
   */
  public static Props props(GroupId group, Consumer<Event> events) {
    return Props.create(WalActor.class, () -> new WalActor(group, events));
  }

  @Override
  public String persistenceId() {
    return persistenceId(group);
  }

  static String persistenceId(GroupId group) {
    return "group-" + group.value();
  }

  @Override
  public String journalPluginId() {
    return "kvorum.wal.journal";
  }

  @Override
  public String snapshotPluginId() {
    return "pekko.persistence.no-snapshot-store";
  }

  @Override
  public Recovery recovery() {
    return Recovery.create(SnapshotSelectionCriteria.none());
  }

  @Override
  public Receive createReceiveRecover() {
    return ReceiveBuilder.create()
        .match(WalRecord.class, this::onReplayed)
        .match(RecoveryCompleted.class, done -> onRecovered())
        .build();
  }

  private void onReplayed(WalRecord record) {
    LogReplay current = replaying();
    current.add(record.bytes(), lastSequenceNr());
    recordEnds.addLast(new RecordEnd(lastSequenceNr(), current.lastIndexOfNewest()));
  }

  private void onRecovered() {
    RecoveredLog recovered = replaying().finish();
    replay = null;
    identity = recovered.identity();
    hardState = recovered.hardState();
    base = recovered.base();
    last = recovered.last();
    events.accept(new Recovered(recovered));
  }

  private LogReplay replaying() {
    if (replay == null) {
      throw new IllegalStateException("a record was replayed after recovery");
    }
    return replay;
  }

  @Override
  public void onRecoveryFailure(Throwable cause, scala.Option<Object> event) {
    events.accept(new RecoveryFailed(cause));
  }

  @Override
  public void onPersistFailure(Throwable cause, Object event, long sequenceNr) {
    events.accept(new WriteFailed(cause));
  }

  @Override
  public void onPersistRejected(Throwable cause, Object event, long sequenceNr) {
    events.accept(new WriteFailed(cause));
    getContext().stop(getSelf());
  }

  @Override
  public Receive createReceive() {
    return ReceiveBuilder.create()
        .match(Write.class, this::onWrite)
        .match(Compact.class, this::onCompact)
        .match(Replace.class, this::onReplace)
        .match(Initialise.class, this::onInitialise)
        .match(DeleteMessagesSuccess.class, done -> {})
        .match(
            DeleteMessagesFailure.class,
            failed ->
                log.warn("dropping old records of the write-ahead log failed", failed.cause()))
        .build();
  }

  private void onInitialise(Initialise initialise) {
    identity = initialise.identity();
    LogRecord.Builder record = LogRecord.newBuilder();
    LogRecords.put(record, initialise.identity());
    writesInFlight++;
    persistAsync(new WalRecord(record.build().toByteArray()), done -> writeDone(0));
  }

  private void onWrite(Write write) {
    gathered.add(write);
    writeGathered();
  }

  private void writeGathered() {
    while (writesInFlight < MAX_WRITES_IN_FLIGHT && !gathered.isEmpty()) {
      writeRecord();
    }
  }

  /**
   * Joins what was gathered, in order, into one record: later entries replace earlier ones, as in
   * the log.
   */
  private void writeRecord() {
    LogRecord.Builder record = LogRecord.newBuilder();
    List<Entry> entries = new ArrayList<>();
    List<Ports.Envelope> release = new ArrayList<>();
    HardState newest = hardState;
    long bytes = 0;
    int taken = 0;
    while (taken < gathered.size() && bytes < MAX_RECORD_BYTES) {
      Write write = gathered.get(taken++);
      newest = write.hardState();
      release.addAll(write.release());
      if (!write.entries().isEmpty()) {
        long first = write.entries().getFirst().index();
        while (!entries.isEmpty() && entries.getLast().index() >= first) {
          entries.removeLast();
        }
        entries.addAll(write.entries());
        bytes += write.entries().stream().mapToLong(Entry::sizeBytes).sum();
      }
    }
    gathered.subList(0, taken).clear();
    if (!newest.equals(hardState)) {
      LogRecords.put(record, newest);
      hardState = newest;
    }
    entries.forEach(e -> LogRecords.put(record, e));
    if (!entries.isEmpty()) {
      last = entries.getLast().position();
    }
    var persisted = new ReplicaMessage.Persisted(newest, last, List.copyOf(release));
    long lastIndex = entries.isEmpty() ? 0 : last.index();
    writesInFlight++;
    persistAsync(
        new WalRecord(record.build().toByteArray()),
        done -> {
          events.accept(new Written(persisted));
          writeDone(lastIndex);
        });
  }

  private void writeDone(long lastIndex) {
    recordEnds.addLast(new RecordEnd(lastSequenceNr(), lastIndex));
    writesInFlight--;
    writeGathered();
  }

  /**
   * Drops the records whose entries all lie at or before the base; a new record says where the log
   * begins now.
   */
  private void onCompact(Compact compact) {
    long droppable = 0;
    while (!recordEnds.isEmpty() && recordEnds.getFirst().lastIndex() <= compact.base().index()) {
      droppable = recordEnds.removeFirst().sequenceNr();
    }
    if (droppable == 0) {
      return;
    }
    long upTo = droppable;
    base = compact.base();
    LogRecord.Builder record = beginning();
    LogRecords.put(record, base);
    writesInFlight++;
    persistAsync(
        new WalRecord(record.build().toByteArray()),
        done -> {
          deleteMessages(upTo);
          writeDone(0);
        });
  }

  /** What must be said again in the record that a log begins with. */
  private LogRecord.Builder beginning() {
    LogRecord.Builder record = LogRecord.newBuilder();
    if (identity != null) {
      LogRecords.put(record, identity);
    }
    LogRecords.put(record, hardState);
    return record;
  }

  /** What was handed in before is written first: messages may wait for its hard states. */
  private void onReplace(Replace replace) {
    while (!gathered.isEmpty()) {
      writeRecord();
    }
    if (base.equals(replace.base()) && last.equals(base)) {
      // Behind the writes that are under way, of which the first replacement may be one.
      deferAsync(replace, repeated -> events.accept(new Replaced(repeated.base())));
      return;
    }
    base = replace.base();
    last = base;
    LogRecord.Builder record = beginning();
    LogRecords.putReplacement(record, base);
    writesInFlight++;
    persistAsync(new WalRecord(record.build().toByteArray()), done -> replaced(replace.base()));
  }

  private void replaced(LogPosition at) {
    long upTo = lastSequenceNr() - 1;
    recordEnds.clear();
    events.accept(new Replaced(at));
    writeDone(0);
    deleteMessages(upTo);
  }
}
