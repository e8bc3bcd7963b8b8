package io.kvorum.persistence.wal;

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

  /** Somebody who waits for the batch, told of its failure, or of null. Must not throw. */
  private interface Waiting {
    void answer(@Nullable Throwable failure);
  }

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
    return afterCommit(answer);
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
  @SuppressWarnings("NullAway") // a Void is null
  public Future<Void> doAsyncDeleteMessagesTo(String persistenceId, long toSequenceNr) {
    store.delete(store.log(persistenceId), toSequenceNr);
    return afterCommit(null);
  }

  /**
   * Waits for writes on their way, or a restarted actor could use a sequence number again. Should
   * they fail, the answer is what the disk holds.
   */
  @Override
  public Future<Long> doAsyncReadHighestSequenceNr(String persistenceId, long fromSequenceNr) {
    if (waiting.isEmpty()) {
      return Futures.successful(store.log(persistenceId).highest);
    }
    Promise<Long> promise = Futures.promise();
    waiting.add(
        failure -> {
          try {
            promise.success(store.log(persistenceId).highest);
          } catch (RuntimeException e) {
            promise.failure(e);
          }
        });
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

  /** Commits soon, or at once if the batch holds all that it may, and gives {@code result} then. */
  private <T> Future<T> afterCommit(T result) {
    Promise<T> promise = Futures.promise();
    waiting.add(
        failure -> {
          if (failure == null) {
            promise.success(result);
          } else {
            promise.failure(failure);
          }
        });
    if (store.batchIsFull()) {
      commit();
    } else {
      commitLater();
    }
    return promise.future();
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
    @Nullable Throwable failure = null;
    try {
      store.commit();
    } catch (RuntimeException e) {
      // Whatever it is, nobody may be told of success, and everybody must be told.
      failure = e;
    }
    if (failure != null && !failing) {
      log.error("events could not be written: {}", failure.getMessage());
    }
    failing = failure != null;
    for (Waiting someone : answered) {
      someone.answer(failure);
    }
    if (store.hasWork()) {
      commitLater();
    }
  }

  @Override
  public void postStop() {
    IllegalStateException stopped =
        new IllegalStateException("the journal was stopped before the write");
    waiting.forEach(someone -> someone.answer(stopped));
    waiting.clear();
  }
}
