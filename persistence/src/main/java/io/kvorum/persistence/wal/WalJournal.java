package io.kvorum.persistence.wal;

import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.persistence.wal.WalFormat.Event;
import io.kvorum.persistence.wal.WalStore.Numbered;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.dispatch.Futures;
import org.apache.pekko.japi.pf.ReceiveBuilder;
import org.apache.pekko.persistence.AtomicWrite;
import org.apache.pekko.persistence.PersistentRepr;
import org.apache.pekko.persistence.journal.japi.AsyncWriteJournal;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.PartialFunction;
import scala.concurrent.Future;
import scala.concurrent.Promise;
import scala.runtime.BoxedUnit;

/**
 * The journal plugin {@code kvorum.wal.journal}. It runs on the writer thread alone. A write joins
 * the batch being gathered and a message to itself brings the commit: whatever lies before that
 * message in the mailbox, so all that came in during the last sync, joins too, and a lone write is
 * not delayed.
 *
 * <p>An event that cannot be serialized rejects its atomic write only. A failure of the disk fails
 * every write of its batch; see {@link WalStore} for what follows.
 */
public final class WalJournal extends AsyncWriteJournal {

  private static final Logger log = LoggerFactory.getLogger(WalJournal.class);

  private enum Command {
    COMMIT
  }

  /** Somebody who is answered when the batch is committed, or failed with it. */
  private record Waiting(Runnable committed, Consumer<Throwable> failed) {}

  private final WalStore store;
  private final WalCodec codec;
  private final Executor replays;
  private List<Waiting> waiting = new ArrayList<>();
  private boolean commitComes;
  private boolean failing;

  public WalJournal(com.typesafe.config.Config config) {
    this.store = WalJournalExtension.get(context().system()).store();
    this.codec = new WalCodec((ExtendedActorSystem) context().system());
    this.replays = context().system().dispatchers().lookup(config.getString("replay-dispatcher"));
  }

  @Override
  public PartialFunction<Object, BoxedUnit> receivePluginInternal() {
    return ReceiveBuilder.create().matchEquals(Command.COMMIT, c -> commit()).build().onMessage();
  }

  @Override
  public Future<Iterable<Optional<Exception>>> doAsyncWriteMessages(
      Iterable<AtomicWrite> messages) {
    List<Optional<Exception>> results = new ArrayList<>();
    List<Numbered> events = new ArrayList<>();
    @Nullable AtomicWrite any = null;
    boolean rejected = false;
    for (AtomicWrite write : messages) {
      any = write;
      Optional<Exception> refusal = prepare(write, events);
      rejected |= refusal.isPresent();
      results.add(refusal);
    }
    if (any == null) {
      return Futures.successful(results);
    }
    // All come from one persistent actor. An empty answer says that all were stored.
    store.append(store.log(any.persistenceId()), writerOf(any), events);
    Iterable<Optional<Exception>> answer = rejected ? results : List.of();
    Promise<Iterable<Optional<Exception>>> promise = Futures.promise();
    await(new Waiting(() -> promise.success(answer), promise::failure));
    return promise.future();
  }

  /**
   * Adds a write's events to {@code events}; if one cannot be stored, places that say so for all of
   * them.
   */
  private Optional<Exception> prepare(AtomicWrite write, List<Numbered> events) {
    int before = events.size();
    Optional<Exception> refusal = Optional.empty();
    for (var reprs = write.payload().iterator(); reprs.hasNext(); ) {
      PersistentRepr repr = reprs.next();
      Event event = Event.ofRejected();
      if (refusal.isEmpty()) {
        try {
          event = codec.event(repr);
        } catch (Exception e) {
          refusal = Optional.of(e);
        }
      }
      events.add(new Numbered(repr.sequenceNr(), event));
    }
    if (refusal.isPresent()) {
      events
          .subList(before, events.size())
          .replaceAll(e -> new Numbered(e.sequence(), Event.ofRejected()));
    }
    return refusal;
  }

  private static String writerOf(AtomicWrite write) {
    return write.payload().head().writerUuid();
  }

  @Override
  public Future<Void> doAsyncDeleteMessagesTo(String persistenceId, long toSequenceNr) {
    store.delete(store.log(persistenceId), toSequenceNr);
    Promise<Void> promise = Futures.promise();
    await(new Waiting(() -> promise.success(null), promise::failure));
    return promise.future();
  }

  /** Waits for writes on their way, or a restarted actor could use a sequence number again. */
  @Override
  public Future<Long> doAsyncReadHighestSequenceNr(String persistenceId, long fromSequenceNr) {
    if (waiting.isEmpty()) {
      return Futures.successful(store.log(persistenceId).highest);
    }
    Promise<Long> promise = Futures.promise();
    waiting.add(
        new Waiting(() -> promise.success(store.log(persistenceId).highest), promise::failure));
    return promise.future();
  }

  @Override
  public Future<Void> doAsyncReplayMessages(
      String persistenceId,
      long fromSequenceNr,
      long toSequenceNr,
      long max,
      Consumer<PersistentRepr> replayCallback) {
    WalReplay replay = store.replay(store.log(persistenceId), fromSequenceNr, toSequenceNr, max);
    Promise<Void> promise = Futures.promise();
    replays.execute(
        () -> {
          try (replay) {
            replay.run(
                (sequence, writer, event) ->
                    replayCallback.accept(codec.repr(persistenceId, sequence, writer, event)));
            promise.success(null);
          } catch (RuntimeException | LinkageError e) {
            log.error("replay of {} failed", persistenceId, e);
            promise.failure(e);
          }
        });
    return promise.future();
  }

  /** Commits soon, or at once if the batch holds all that it may. */
  private void await(Waiting someone) {
    waiting.add(someone);
    if (store.batchIsFull()) {
      commit();
    } else {
      commitLater();
    }
  }

  private void commitLater() {
    if (!commitComes) {
      commitComes = true;
      self().tell(Command.COMMIT, self());
    }
  }

  private void commit() {
    commitComes = false;
    List<Waiting> answered = waiting;
    waiting = new ArrayList<>();
    try {
      store.commit();
      failing = false;
      answered.forEach(w -> w.committed.run());
    } catch (StorageException | IllegalStateException e) {
      if (!failing) {
        log.error("events could not be written: {}", e.getMessage());
      }
      failing = true;
      answered.forEach(w -> w.failed.accept(e));
    }
    if (store.hasWork()) {
      commitLater();
    }
  }

  @Override
  public void postStop() {
    IllegalStateException stopped =
        new IllegalStateException("the journal was stopped before the write");
    waiting.forEach(w -> w.failed.accept(stopped));
    waiting.clear();
  }
}
