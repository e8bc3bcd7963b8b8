package io.kvorum.persistence.leveldb;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts changes as LevelDB does, and notes how far they are synced. Only for a database whose
 * every write is synced: the first one that is not ends it, and the mark stays where it is.
 *
 * <p>LevelDB numbers writes in an order that is not known here when several threads write. What is
 * noted is what comes before in any order: the writes that were done when a synced one began, and
 * itself.
 */
final class SyncedWrites implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(SyncedWrites.class);

  private @Nullable SyncedMark mark;

  /** The newest change if nothing is being written. */
  private long done;

  private long noted;

  /** A write that was begun: its changes, and up to which change all are synced once it is. */
  record Ticket(int changes, long syncedTo) {}

  private SyncedWrites(@Nullable SyncedMark mark, long lastSequence) {
    this.mark = mark;
    this.done = lastSequence;
    this.noted = lastSequence;
  }

  static SyncedWrites open(Path directory, Recovery recovery, long lastSequence) {
    try {
      if (recovery == Recovery.REFUSE_LOSS) {
        return new SyncedWrites(SyncedMark.open(directory, lastSequence), lastSequence);
      }
      SyncedMark.remove(directory);
    } catch (IOException e) {
      log.warn("{} has no mark of how far it is synced", directory, e);
    }
    return new SyncedWrites(null, lastSequence);
  }

  synchronized Ticket begin(int changes, boolean sync) {
    if (!sync) {
      end();
    }
    return new Ticket(changes, sync ? done + changes : 0);
  }

  synchronized void written(Ticket ticket) {
    done += ticket.changes();
    SyncedMark open = mark;
    if (open != null && ticket.syncedTo() > noted) {
      noted = ticket.syncedTo();
      open.note(noted);
    }
  }

  private void end() {
    SyncedMark open = mark;
    mark = null;
    if (open != null) {
      open.close();
    }
  }

  @Override
  public synchronized void close() {
    end();
  }
}
