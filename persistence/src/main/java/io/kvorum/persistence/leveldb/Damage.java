package io.kvorum.persistence.leveldb;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What becomes of damage that shows while a database is open. LevelDB tells of a wrong checksum,
 * but not in which file; so the tables are searched, on a thread of their own. The file is then
 * noted beside the tables, and the next opening looks at it before anything else.
 */
final class Damage {

  /** Names the table that was found damaged. */
  static final String NOTE = "kvorum.damaged";

  private static final Logger log = LoggerFactory.getLogger(Damage.class);
  private static final Duration SEARCH_LIMIT = Duration.ofSeconds(60);
  private static final Pattern TABLE = Pattern.compile("(\\d{6,18})\\.(sst|ldb)");

  private final Path directory;
  private final Recovery recovery;
  private final AtomicBoolean suspected = new AtomicBoolean();
  private final CompletableFuture<StorageException> found = new CompletableFuture<>();
  private volatile @Nullable StorageException named;

  Damage(Path directory, Recovery recovery) {
    this.directory = directory;
    this.recovery = recovery;
  }

  /** Completes when damage was found, and its file if it could be. */
  CompletionStage<StorageException> found() {
    return found.minimalCompletionStage();
  }

  /** What the search finds, if there is one and it ends in time; else the same. */
  StorageException named(StorageException met) {
    if (!suspected.get()) {
      return met;
    }
    try {
      return found.get(SEARCH_LIMIT.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      log.warn("the search for the damage in {} takes long", directory, e);
      return met;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return met;
    }
  }

  /** Nothing is to be read or written any more. */
  void throwIfFound() {
    StorageException damage = named;
    if (damage != null) {
      throw new StorageException(damage.reason(), String.valueOf(damage.getMessage()), damage);
    }
  }

  /**
   * LevelDB has met damage. Returns at once; only the first call searches.
   *
   * @param near a key that it was looking for, if any
   */
  void suspect(StorageException met, byte @Nullable [] near) {
    if (suspected.compareAndSet(false, true)) {
      log.error("{}: looking for the file", met.getMessage());
      Thread.ofPlatform()
          .daemon()
          .name("kvorum-damage-" + directory.getFileName())
          .start(() -> search(met, near));
    }
  }

  private void search(StorageException met, byte @Nullable [] near) {
    TableFile.Damage damage = null;
    try {
      damage = LiveTables.checkRunning(directory, near);
    } catch (IOException | UncheckedIOException | StorageException e) {
      log.warn("looking for the damage in {} failed", directory, e);
    }
    if (damage == null) {
      tell(
          new StorageException(
              StorageException.Reason.CORRUPT,
              met.getMessage()
                  + ". No table in "
                  + directory
                  + " is damaged now: the disk or the memory gave other bytes than before",
              met));
    } else {
      found(damage);
    }
  }

  /** A table is damaged. */
  void found(TableFile.Damage damage) {
    suspected.set(true);
    note(damage.file());
    tell(corrupt(damage, recovery));
  }

  /** Whoever hears of it finds the database shut already. */
  private synchronized void tell(StorageException damage) {
    if (named == null) {
      named = damage;
      log.error("{}", damage.getMessage());
      found.complete(damage);
    }
  }

  private void note(Path table) {
    Path note = directory.resolve(NOTE);
    Path written = directory.resolve(NOTE + ".new");
    try {
      Files.writeString(written, table.getFileName() + "\n", StandardCharsets.US_ASCII);
      Files.move(
          written, note, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      log.warn("{} cannot be written: {}", note, e.toString());
    }
  }

  static StorageException corrupt(TableFile.Damage damage, Recovery recovery) {
    return new StorageException(
        StorageException.Reason.CORRUPT,
        LogFileScanner.corrupt(damage.file(), damage.position(), damage.what()).getMessage()
            + ". "
            + recovery.whatToDo());
  }

  /**
   * The damage that an earlier run noted, if it is still there; else the note goes. A note that
   * cannot be read has every table looked at.
   */
  static TableFile.@Nullable Damage noted(Path directory, Manifest manifest) throws IOException {
    Path note = directory.resolve(NOTE);
    if (!Files.exists(note)) {
      return null;
    }
    var name = TABLE.matcher(Files.readString(note, StandardCharsets.ISO_8859_1).strip());
    TableFile.Damage damage;
    if (name.matches()) {
      Manifest.Table table = manifest.tables().get(Long.valueOf(name.group(1)));
      damage =
          table == null ? null : LiveTables.check(directory, table, TableFile.Extent.EVERYTHING);
    } else {
      damage = LiveTables.check(directory, manifest, TableFile.Extent.EVERYTHING);
    }
    if (damage == null) {
      log.info("{} does not hold any more: what it names is not damaged, or not used", note);
      Files.delete(note);
    }
    return damage;
  }
}
