package io.kvorum.persistence.wal;

import io.kvorum.persistence.leveldb.StorageException;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.actor.AbstractExtensionId;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.actor.ClassicActorSystemProvider;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.actor.Extension;
import org.apache.pekko.actor.ExtensionIdProvider;
import org.jspecify.annotations.Nullable;

/**
 * Holds the log of an actor system for the journal plugin. Who starts the system opens it here,
 * before the first persistent actor, and so gets a refused directory as an exception with its
 * reasons instead of a journal that does not start. It is closed when the actor system has
 * terminated.
 */
public final class WalJournalExtension implements Extension {

  private static final Id ID = new Id();

  private final ExtendedActorSystem system;
  private @Nullable WalStore store;
  private boolean closed;

  private WalJournalExtension(ExtendedActorSystem system) {
    this.system = system;
  }

  public static WalJournalExtension get(ClassicActorSystemProvider system) {
    return ID.get(system);
  }

  /**
   * Opens the log.
   *
   * @throws StorageException if the directory cannot be used or its content not be trusted
   * @throws IllegalStateException if it is open already
   */
  public synchronized void open(WalSettings settings, WalMetrics metrics) {
    if (store != null || closed) {
      throw new IllegalStateException("the log is " + (closed ? "closed" : "open already"));
    }
    store = WalStore.open(settings, metrics);
    system.registerOnTermination(this::close);
  }

  /**
   * Completes when damage was met on the disk, with the file's name if it could be found. Nothing
   * is read or written from then on.
   *
   * @throws IllegalStateException if the log is not open
   */
  public synchronized CompletionStage<StorageException> damage() {
    if (store == null) {
      throw new IllegalStateException("the log is not open");
    }
    return store.damage();
  }

  /**
   * The open log. If nobody has opened it, this does, with the settings in the system's
   * configuration.
   */
  synchronized WalStore store() {
    if (store == null) {
      open(
          WalSettings.from(system.settings().config().getConfig("kvorum.wal.journal")),
          WalMetrics.NONE);
    }
    WalStore open = store;
    if (open == null) {
      throw new IllegalStateException("the log is closed");
    }
    return open;
  }

  private synchronized void close() {
    closed = true;
    WalStore open = store;
    store = null;
    if (open != null) {
      open.close();
    }
  }

  private static final class Id extends AbstractExtensionId<WalJournalExtension>
      implements ExtensionIdProvider {
    @Override
    public WalJournalExtension createExtension(ExtendedActorSystem system) {
      return new WalJournalExtension(system);
    }

    @Override
    public Id lookup() {
      return ID;
    }

    @Override
    public WalJournalExtension get(ActorSystem system) {
      return super.get(system);
    }
  }
}
