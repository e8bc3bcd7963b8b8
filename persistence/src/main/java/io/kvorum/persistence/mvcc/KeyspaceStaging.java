package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.LevelDbOptions;
import io.kvorum.persistence.leveldb.Recovery;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.protocol.LogPosition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A keyspace in the making, in a LevelDB directory beside the one in force: takes the rows of a
 * {@link KeyspaceExport} in their order, and is complete once sealed. Then {@link Keyspace#install}
 * may put it into force; closed without that it leaves nothing. One thread at a time.
 */
public final class KeyspaceStaging implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(KeyspaceStaging.class);

  /** Rows are gathered up to this size before they are handed to LevelDB. */
  private static final long BATCH_BYTES = 256 << 10;

  /** What LevelDB gathers before it writes a table: twice as much lies outside of Java's heap. */
  private static final long WRITE_BUFFER_BYTES = 4L << 20;

  private final Path directory;
  private final int generation;
  private final Tables tables;
  private final byte[] stateRow;
  private final byte[] formatRow;
  private final LevelDb db;
  private LevelDb.Batch batch;
  private byte[] lastKey = new byte[0];
  private byte @Nullable [] stateValue;
  private byte @Nullable [] formatValue;
  private @Nullable LogPosition position;
  private boolean installed;
  private boolean closed;

  KeyspaceStaging(Path directory, int generation, Tables tables, LevelDbOptions options) {
    this.directory = directory;
    this.generation = generation;
    this.tables = tables;
    this.stateRow = tables.state(StoreState.NAME);
    this.formatRow = tables.state(Store.FORMAT_NAME);
    this.db = LevelDb.open(directory, stagingOptions(options), Recovery.REFUSE_LOSS);
    this.batch = db.batch();
  }

  /** For whom a keyspace is in the making: nobody reads it, so it needs little memory. */
  static LevelDbOptions stagingOptions(LevelDbOptions options) {
    return options
        .withWriteBufferBytes(Math.min(options.writeBufferBytes(), WRITE_BUFFER_BYTES))
        .withCacheBytes(1 << 20)
        .withMinFreeBytes(options.minFreeBytes());
  }

  /**
   * The next row.
   *
   * @throws IllegalArgumentException if it belongs to another group or does not come behind the one
   *     before
   */
  public void put(byte[] key, byte[] value) {
    if (!tables.isOfGroup(key)) {
      throw new IllegalArgumentException("a row of another group than " + tables.group());
    }
    if (Arrays.compareUnsigned(key, lastKey) <= 0) {
      throw new IllegalArgumentException("rows are out of order");
    }
    lastKey = key;
    if (Arrays.equals(key, stateRow)) {
      // Comes last, so that what has no end can never be taken for a keyspace.
      stateValue = value;
      return;
    }
    if (Arrays.equals(key, formatRow)) {
      formatValue = value;
    }
    batch.put(key, value);
    if (batch.bytes() >= BATCH_BYTES) {
      flush();
    }
  }

  private void flush() {
    db.write(batch, false);
    batch.close();
    batch = db.batch();
  }

  /**
   * All rows are there: makes them durable, and complete.
   *
   * @throws IllegalArgumentException if it is no keyspace, or one that ends elsewhere
   * @throws StorageException if it is a keyspace of a newer version
   */
  public void seal(LogPosition expected) {
    byte[] state = stateValue;
    byte[] format = formatValue;
    if (state == null || format == null) {
      throw new IllegalArgumentException("rows that every keyspace has are missing");
    }
    Store.requireFormat(format, directory);
    LogPosition found = StoreState.decode(state).applied();
    if (!found.equals(expected)) {
      throw new IllegalArgumentException("a keyspace at " + found + " in place of " + expected);
    }
    flush();
    db.sync();
    batch.put(stateRow, state);
    db.write(batch, true);
    batch.close();
    db.sync();
    db.close();
    position = found;
  }

  /**
   * Where it ends.
   *
   * @throws IllegalStateException before it is sealed
   */
  public LogPosition position() {
    LogPosition sealed = position;
    if (sealed == null) {
      throw new IllegalStateException("the keyspace in " + directory + " is not complete");
    }
    return sealed;
  }

  Path directory() {
    return directory;
  }

  int generation() {
    return generation;
  }

  /** It is in force, and not to be removed any more. */
  void installed() {
    installed = true;
  }

  /** Removes what was staged, unless it was installed. */
  @Override
  public void close() {
    if (installed || closed) {
      return;
    }
    closed = true;
    if (position == null) {
      batch.close();
      db.close();
    }
    try {
      if (Files.exists(directory)) {
        KeyspaceDirectory.delete(directory);
      }
    } catch (IOException e) {
      log.warn("{} could not be removed, the next start does: {}", directory, e.toString());
    }
  }
}
