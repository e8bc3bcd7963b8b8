package io.kvorum.persistence.leveldb;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at the indexes of an open database's tables again and again. LevelDB checks each block of
 * rows that it reads, but never an index, which it uses where the file is mapped; an index that
 * goes bad under it hides rows. An index is looked at at opening, and every {@link #INTERVAL} from
 * then on. That also keeps its pages in memory, so that what the disk does to it is hardly ever
 * read before the next opening.
 */
final class IndexWatch implements AutoCloseable {

  static final Duration INTERVAL = Duration.ofSeconds(10);

  private static final Logger log = LoggerFactory.getLogger(IndexWatch.class);

  /** So many tables in one go, then a pause: a large store takes longer than the interval. */
  private static final int TABLES_AT_ONCE = 32;

  private static final Duration PAUSE = Duration.ofMillis(50);

  private final Path directory;
  private final Damage damage;
  private final Thread thread;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition closing = lock.newCondition();
  private boolean closed;

  /** Sizes of tables that were found good, by name: such a file does not change any more. */
  private final Map<String, Long> finished = new HashMap<>();

  private IndexWatch(Path directory, Damage damage) {
    this.directory = directory;
    this.damage = damage;
    this.thread =
        Thread.ofPlatform()
            .daemon()
            .name("kvorum-index-watch-" + directory.getFileName())
            .unstarted(this::run);
  }

  static IndexWatch start(Path directory, Damage damage) {
    IndexWatch watch = new IndexWatch(directory, damage);
    watch.thread.start();
    return watch;
  }

  private void run() {
    while (pausedUnlessClosed(INTERVAL)) {
      try {
        TableFile.Damage found = pass();
        if (found != null) {
          damage.found(found);
          return;
        }
      } catch (IOException | UncheckedIOException | StorageException e) {
        log.warn("looking at the tables in {} failed: {}", directory, e.toString());
      }
    }
  }

  /** Null if all indexes are good, or the database is closed. */
  private TableFile.@Nullable Damage pass() throws IOException {
    List<Path> tables;
    try (Stream<Path> files = Files.list(directory)) {
      tables = files.filter(IndexWatch::isTable).toList();
    }
    finished.keySet().retainAll(tables.stream().map(IndexWatch::name).toList());
    boolean doubtful = false;
    for (int i = 0; i < tables.size(); i++) {
      if (i % TABLES_AT_ONCE == TABLES_AT_ONCE - 1 && !pausedUnlessClosed(PAUSE)) {
        return null;
      }
      doubtful |= !isGood(tables.get(i));
    }
    return doubtful ? lookCloser() : null;
  }

  private static boolean isTable(Path file) {
    String name = name(file);
    return name.endsWith(".sst") || name.endsWith(".ldb");
  }

  private static String name(Path file) {
    return file.getFileName().toString();
  }

  private boolean isGood(Path table) {
    Long size = finished.get(name(table));
    long now;
    try {
      now = size == null ? Files.size(table) : size;
    } catch (IOException gone) {
      return true;
    }
    if (TableFile.check(table, now, TableFile.Extent.INDEX) == null) {
      finished.put(name(table), now);
      return true;
    }
    return false;
  }

  /** A table in doubt may be one that is being written, or was removed: the manifest knows. */
  private TableFile.@Nullable Damage lookCloser() throws IOException {
    Manifest manifest = Manifest.ofRunning(directory);
    if (manifest == null) {
      return null;
    }
    for (Manifest.Table table : manifest.tables().values()) {
      TableFile.Damage found = LiveTables.check(directory, table, TableFile.Extent.INDEX);
      if (found != null && LiveTables.counts(directory, table)) {
        return found;
      }
    }
    return null;
  }

  private boolean pausedUnlessClosed(Duration pause) {
    lock.lock();
    try {
      long nanos = pause.toNanos();
      while (!closed && nanos > 0) {
        nanos = closing.awaitNanos(nanos);
      }
      return !closed;
    } catch (InterruptedException e) {
      log.debug("the watch of {} was interrupted and ends", directory, e);
      return false;
    } finally {
      lock.unlock();
    }
  }

  /** Does not wait: what is under way only reads. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      closing.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
