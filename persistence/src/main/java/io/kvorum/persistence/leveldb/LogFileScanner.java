package io.kvorum.persistence.leveldb;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a database's log files before LevelDB does. LevelDB takes what it can read of them and
 * silently drops the rest; here a damaged tail is reported with file and position and cut, and
 * damage in the middle is refused, or, under {@link Recovery#KEEP_PREFIX}, cut together with
 * everything behind it.
 *
 * <p>Each record of a log is a write batch that begins with the sequence number of its first change
 * (8 bytes) and the number of changes (4). The numbers go on without gaps from record to record and
 * from log to log, so a gap shows that a log has lost its tail, even where each file by itself
 * reads well.
 */
final class LogFileScanner {

  /** What is cut is kept beside under this ending, which LevelDB ignores. */
  static final String TORN = ".torn";

  private static final Logger log = LoggerFactory.getLogger(LogFileScanner.class);

  /** Something that was found and mended: where, what, and where the cut bytes are now. */
  record Cut(Path file, long position, String what, Path copy) {}

  private final Path directory;
  private final Recovery recovery;
  private final List<Cut> cuts = new ArrayList<>();

  /** At the manifest's end, if there is any. */
  private LogFile.@Nullable Damage manifestDamage;

  private LogFileScanner(Path directory, Recovery recovery) {
    this.directory = directory;
    this.recovery = recovery;
  }

  /**
   * What was found, once it is mended.
   *
   * @param manifest null in a directory without a database
   * @param lastSequence the newest change that the database holds; 0 for none
   */
  record Findings(@Nullable Manifest manifest, long lastSequence, List<Cut> cuts) {}

  /** Checks and mends the logs in a directory that no database has open. */
  static List<Cut> check(Path directory, Recovery recovery) throws IOException {
    return examine(directory, recovery).cuts();
  }

  static Findings examine(Path directory, Recovery recovery) throws IOException {
    LogFileScanner scanner = new LogFileScanner(directory, recovery);
    Manifest manifest = scanner.manifest();
    long inLogs;
    try {
      inLogs = scanner.logs(manifest);
    } catch (StorageException e) {
      throw scanner.orManifest(manifest, e);
    }
    if (manifest != null && scanner.manifestDamage != null) {
      scanner.cut(manifest.file(), scanner.manifestDamage);
    }
    if (!scanner.cuts.isEmpty()) {
      LogFiles.forceDirectory(directory);
    }
    return new Findings(
        manifest, Math.max(inLogs, manifest == null ? 0 : manifest.lastSequence()), scanner.cuts);
  }

  private @Nullable Manifest manifest() throws IOException {
    Path file = Manifest.current(directory);
    if (file == null) {
      return null;
    }
    Manifest.Reader reader = new Manifest.Reader(file);
    LogFile.Damage damage = LogFile.read(file, reader);
    if (damage != null) {
      if (damage.nextRecord() >= 0) {
        throw middle(file, damage);
      }
      requireTorn(file, damage, reader);
      manifestDamage = damage;
    } else if (!reader.isComplete()) {
      throw corrupt(file, "it has lost its end");
    }
    return reader.manifest();
  }

  /**
   * LevelDB acts on an edit only after syncing it, so a torn last one has had no effect. Damage to
   * one that had can be known by what it did: tables of before are gone.
   */
  private void requireTorn(Path file, LogFile.Damage damage, Manifest.Reader reader) {
    if (!reader.isComplete()) {
      throw corrupt(file, damage.position(), damage.what());
    }
    for (long number : reader.manifest().tables().keySet()) {
      Path table = TableFile.path(directory, number);
      if (!Files.exists(table)) {
        throw corrupt(
            file,
            damage.position(),
            damage.what() + ", and " + table.getFileName() + ", named before, is gone");
      }
    }
  }

  /** What seems to be wrong with a log is the manifest's doing if that has lost its end. */
  private StorageException orManifest(@Nullable Manifest manifest, StorageException ofLog) {
    LogFile.Damage damage = manifestDamage;
    if (manifest == null) {
      return ofLog;
    }
    return damage == null
        ? new StorageException(
            ofLog.reason(),
            ofLog.getMessage() + " (unless " + manifest.file().getFileName() + " has lost its end)",
            ofLog)
        : corrupt(
            manifest.file(),
            damage.position(),
            damage.what() + "; therefore " + ofLog.getMessage());
  }

  /** The last change in the logs, or 0 if they hold none. */
  private long logs(@Nullable Manifest manifest) throws IOException {
    List<Scan> scans = new ArrayList<>();
    for (Map.Entry<Long, Path> entry : LogFiles.list(directory).entrySet()) {
      if (Manifest.counts(manifest, entry.getKey())) {
        scans.add(new Scan(entry.getKey(), entry.getValue()));
      }
    }
    for (Scan scan : scans) {
      scan.read();
    }
    if (recovery == Recovery.REFUSE_LOSS) {
      requireSynced(manifest, scans);
    }
    // The tables hold every change up to the one before the first log's first; all that is known of
    // that one is an upper bound.
    long tables = manifest == null ? 0 : manifest.lastSequence();
    Expected expected = new Expected(tables + 1, false);
    boolean usable = manifest == null || startsAt(manifest, scans);
    for (int i = 0; i < scans.size(); i++) {
      Scan scan = scans.get(i);
      if (usable) {
        usable = complete(scan, expected, scans.subList(i + 1, scans.size()));
        expected = scan.first < 0 ? expected : new Expected(scan.next, true);
      } else {
        setAside(scan.file);
      }
    }
    return Math.max(0, expected.exact() ? expected.sequence() - 1 : 0);
  }

  /**
   * The logs must reach as far as the database is known to have been synced. What is not in them is
   * in tables only if they hold nothing at all.
   */
  private void requireSynced(@Nullable Manifest manifest, List<Scan> scans) throws IOException {
    long mark = SyncedMark.read(directory);
    Scan last = null;
    for (Scan scan : scans) {
      last = last == null || scan.first >= 0 ? scan : last;
    }
    long tabled = manifest == null ? 0 : manifest.tabledSequence();
    String missing =
        SyncedMark.missing(mark, last == null || last.first < 0 ? tabled : last.next - 1);
    if (missing == null) {
      return;
    }
    if (last == null) {
      throw corrupt(
          LogFiles.path(directory, manifest == null ? 0 : manifest.logNumber()),
          "it is missing, or an older one with it: the database " + missing);
    }
    LogFile.Damage damage = last.damage;
    throw damage == null
        ? corrupt(last.file, missing)
        : corrupt(last.file, damage.position(), damage.what() + ": " + missing);
  }

  /**
   * Whether the first log that is not in tables yet is there. Only a loss of power can take away an
   * unsynced file's name.
   */
  private boolean startsAt(Manifest manifest, List<Scan> scans) {
    return recovery == Recovery.REFUSE_LOSS
        || scans.isEmpty()
        || scans.getFirst().number <= manifest.logNumber()
        || scans.stream().noneMatch(Scan::hasRecords);
  }

  /**
   * The change with which the next log has to begin.
   *
   * @param exact false if it may also begin earlier
   */
  private record Expected(long sequence, boolean exact) {
    @Nullable String gap(Scan scan) {
      if (scan.first < 0 || scan.first == sequence || (!exact && scan.first < sequence)) {
        return null;
      }
      return "it begins with change " + scan.first + " where " + sequence + " should come next";
    }
  }

  /** Mends or refuses a damaged log. False if nothing behind this log may be used. */
  private boolean complete(Scan scan, Expected expected, List<Scan> later) throws IOException {
    String gap = expected.gap(scan);
    LogFile.Damage damage = gap == null ? scan.damage : new LogFile.Damage(0, gap, 0);
    if (damage != null) {
      // Under sync a log is whole before the next one is begun: only the newest may end badly.
      boolean middle = damage.nextRecord() >= 0 || !later.isEmpty();
      if (middle && recovery == Recovery.REFUSE_LOSS) {
        throw middle(scan.file, damage);
      }
      cut(scan.file, damage);
      return false;
    }
    // A log without records before one with some: all of its content may have been lost, or it may
    // have been empty. What can be
    // rebuilt is rather cut than kept with a hole.
    return recovery == Recovery.REFUSE_LOSS
        || scan.hasRecords()
        || later.stream().noneMatch(Scan::hasRecords);
  }

  private void cut(Path file, LogFile.Damage damage) throws IOException {
    Path copy = free(file);
    Files.copy(file, copy);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(damage.position());
      channel.force(true);
    }
    cuts.add(new Cut(file, damage.position(), damage.what(), copy));
    log.warn(
        "{} is damaged from byte {} on ({}): cut there, {} keeps the whole file",
        file,
        damage.position(),
        damage.what(),
        copy.getFileName());
  }

  private void setAside(Path file) throws IOException {
    Path copy = free(file);
    Files.move(file, copy, StandardCopyOption.ATOMIC_MOVE);
    cuts.add(new Cut(file, 0, "it lies behind a gap", copy));
    log.warn(
        "{} lies behind a gap in the logs and is not used: moved to {}", file, copy.getFileName());
  }

  private static Path free(Path file) {
    Path copy = file.resolveSibling(file.getFileName() + TORN);
    for (int n = 2; Files.exists(copy); n++) {
      copy = file.resolveSibling(file.getFileName() + TORN + n);
    }
    return copy;
  }

  private static StorageException middle(Path file, LogFile.Damage damage) {
    return corrupt(file, damage.position(), damage.what() + ", and more was written behind it");
  }

  static StorageException corrupt(Path file, long position, String what) {
    return new StorageException(
        StorageException.Reason.CORRUPT, file + " is damaged at byte " + position + ": " + what);
  }

  static StorageException corrupt(Path file, String what) {
    return new StorageException(StorageException.Reason.CORRUPT, file + " is damaged: " + what);
  }

  /** The records of one log, as far as they go on from each other. */
  private static final class Scan implements LogFile.Records {
    private final long number;
    private final Path file;
    private long first = -1;
    private long next = -1;

    private LogFile.@Nullable Damage damage;

    private Scan(long number, Path file) {
      this.number = number;
      this.file = file;
    }

    private void read() throws IOException {
      damage = LogFile.read(file, this);
    }

    private boolean hasRecords() {
      return first >= 0 || (damage != null && damage.nextRecord() >= 0);
    }

    @Override
    public @Nullable String accept(ByteBuffer batch) {
      long sequence = batch.getLong();
      int count = batch.getInt();
      if (next >= 0 && sequence != next) {
        return "a record begins with change " + sequence + " where " + next + " should come next";
      }
      if (first < 0) {
        first = sequence;
      }
      next = sequence + count;
      return null;
    }
  }
}
