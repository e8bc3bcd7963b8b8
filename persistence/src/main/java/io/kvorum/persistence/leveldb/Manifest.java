package io.kvorum.persistence.leveldb;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What LevelDB's current manifest says about its logs and tables. A manifest is itself a log file,
 * of version edits; a later edit overrides an earlier one.
 *
 * @param file the manifest
 * @param logNumber logs below this number are in tables already
 * @param previousLogNumber one more log that still counts; 0 for none
 * @param lastSequence a sequence number that had been given out when the manifest was last written;
 *     the logs may go beyond
 * @param tabledSequence the same when a log was last put into tables: tables hold nothing beyond
 * @param tables the table files that count, by number
 */
record Manifest(
    Path file,
    long logNumber,
    long previousLogNumber,
    long lastSequence,
    long tabledSequence,
    SortedMap<Long, Table> tables) {

  /**
   * A table file as LevelDB finished it.
   *
   * @param size in bytes
   * @param smallest the first key in it, without what LevelDB puts behind a key
   * @param largest the last one
   */
  @SuppressWarnings("ArrayRecordComponent") // carries bytes and is never compared
  record Table(long number, long size, byte[] smallest, byte[] largest) {}

  // The tags of a version edit's fields.
  private static final int COMPARATOR = 1;
  private static final int LOG_NUMBER = 2;
  private static final int NEXT_FILE_NUMBER = 3;
  private static final int LAST_SEQUENCE = 4;
  private static final int COMPACT_POINTER = 5;
  private static final int DELETED_FILE = 6;
  private static final int NEW_FILE = 7;
  private static final int PREVIOUS_LOG_NUMBER = 9;

  /** Sequence number and kind, behind each key in a table. */
  private static final int KEY_TRAILER_BYTES = 8;

  static final String CURRENT = "CURRENT";
  private static final Pattern CONTENT_OF_CURRENT = Pattern.compile("MANIFEST-\\d+\n");
  private static final Pattern TABLE = Pattern.compile("\\d+\\.(sst|ldb)");

  /** The manifest that {@code CURRENT} names, or null in a directory without a database. */
  static @Nullable Path current(Path directory) throws IOException {
    Path current = directory.resolve(CURRENT);
    if (!Files.exists(current)) {
      // LevelDB would begin a new database in place of the one whose tables are here. Logs alone it
      // would read.
      Path table = anyTable(directory);
      if (table != null) {
        throw LogFileScanner.corrupt(
            current, "it is missing, though " + table.getFileName() + " is there");
      }
      return null;
    }
    String name = Files.readString(current, StandardCharsets.ISO_8859_1);
    if (!CONTENT_OF_CURRENT.matcher(name).matches()) {
      throw LogFileScanner.corrupt(current, "it does not name a manifest");
    }
    Path file = directory.resolve(name.strip());
    if (!Files.exists(file)) {
      throw LogFileScanner.corrupt(
          current, "it names " + file.getFileName() + ", which is missing");
    }
    return file;
  }

  private static @Nullable Path anyTable(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .filter(file -> TABLE.matcher(file.getFileName().toString()).matches())
          .findAny()
          .orElse(null);
    }
  }

  /**
   * The manifest of a database that may be open and at work: what is being added to it at the
   * moment is not seen. Null if it cannot be read.
   */
  static @Nullable Manifest ofRunning(Path directory) throws IOException {
    Path file = current(directory);
    if (file == null) {
      return null;
    }
    Reader reader = new Reader(file);
    LogFile.Damage damage = LogFile.read(file, reader);
    return damage != null && damage.nextRecord() >= 0 ? null : reader.manifest();
  }

  static boolean counts(@Nullable Manifest manifest, long logNumber) {
    return manifest == null
        || logNumber >= manifest.logNumber
        || (manifest.previousLogNumber != 0 && logNumber == manifest.previousLogNumber);
  }

  /** Adds up the edits of a manifest as they are read. */
  static final class Reader implements LogFile.Records {
    private final Path file;
    private final SortedMap<Long, Table> tables = new TreeMap<>();
    private long logNumber;
    private long previousLogNumber;
    private long lastSequence;
    private long tabledSequence;

    /** The fields without which LevelDB does not open: log, next file, last sequence. */
    private final Set<Integer> seen = new HashSet<>();

    Reader(Path file) {
      this.file = file;
    }

    /** Whether everything was there that a database needs. */
    boolean isComplete() {
      return seen.containsAll(List.of(LOG_NUMBER, NEXT_FILE_NUMBER, LAST_SEQUENCE));
    }

    Manifest manifest() {
      return new Manifest(
          file,
          logNumber,
          previousLogNumber,
          lastSequence,
          tabledSequence,
          Collections.unmodifiableSortedMap(tables));
    }

    @Override
    public @Nullable String accept(ByteBuffer edit) {
      long logNumberBefore = logNumber;
      while (edit.hasRemaining()) {
        int tag = (int) varint(edit);
        seen.add(tag);
        switch (tag) {
          case COMPARATOR -> bytes(edit);
          case LOG_NUMBER -> logNumber = varint(edit);
          case NEXT_FILE_NUMBER -> varint(edit);
          case LAST_SEQUENCE -> lastSequence = varint(edit);
          case PREVIOUS_LOG_NUMBER -> previousLogNumber = varint(edit);
          case COMPACT_POINTER -> {
            varint(edit);
            bytes(edit);
          }
          case DELETED_FILE -> {
            varint(edit);
            tables.remove(varint(edit));
          }
          case NEW_FILE -> {
            varint(edit);
            long number = varint(edit);
            tables.put(number, new Table(number, varint(edit), userKey(edit), userKey(edit)));
          }
          default -> {
            return "unknown tag " + tag + " in a version edit";
          }
        }
      }
      if (logNumber != logNumberBefore) {
        tabledSequence = lastSequence;
      }
      return null;
    }

    static long varint(ByteBuffer in) {
      long value = 0;
      for (int shift = 0; shift < Long.SIZE; shift += 7) {
        byte b = in.get();
        value |= (long) (b & 0x7f) << shift;
        if (b >= 0) {
          return value;
        }
      }
      throw new BufferUnderflowException();
    }

    private static byte[] userKey(ByteBuffer in) {
      byte[] key = bytes(in);
      return Arrays.copyOf(key, Math.max(0, key.length - KEY_TRAILER_BYTES));
    }

    private static byte[] bytes(ByteBuffer in) {
      int length = Math.toIntExact(varint(in));
      if (length < 0 || length > in.remaining()) {
        throw new BufferUnderflowException();
      }
      byte[] bytes = new byte[length];
      in.get(bytes);
      return bytes;
    }
  }
}
