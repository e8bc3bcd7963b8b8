package io.kvorum.persistence.leveldb;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Map;
import org.iq80.leveldb.CompressionType;
import org.iq80.leveldb.DB;
import org.iq80.leveldb.DBException;
import org.iq80.leveldb.DBIterator;
import org.iq80.leveldb.Range;
import org.iq80.leveldb.ReadOptions;
import org.iq80.leveldb.Snapshot;
import org.iq80.leveldb.WriteBatch;
import org.iq80.leveldb.WriteOptions;
import org.iq80.leveldb.impl.Iq80DBFactory;
import org.jspecify.annotations.Nullable;

/** LevelDB in pure Java, for machines without a native library. The same files on disk. */
final class JavaEngine implements Engine {

  /** Each of them holds a descriptor. */
  private static final int MAX_OPEN_FILES = 500;

  private final DB db;
  private final boolean verifyChecksums;
  private final WriteOptions synced = new WriteOptions().sync(true);
  private final WriteOptions unsynced = new WriteOptions().sync(false);

  private JavaEngine(DB db, boolean verifyChecksums) {
    this.db = db;
    this.verifyChecksums = verifyChecksums;
  }

  static JavaEngine open(Path directory, LevelDbOptions options) throws IOException {
    org.iq80.leveldb.Options raw =
        new org.iq80.leveldb.Options()
            .createIfMissing(true)
            .paranoidChecks(true)
            .blockSize(LevelDbOptions.BLOCK_BYTES)
            .verifyChecksums(options.verifyChecksums())
            .writeBufferSize(Math.toIntExact(options.writeBufferBytes()))
            .cacheSize(options.cacheBytes())
            .maxOpenFiles(Math.min(options.maxOpenFiles(), MAX_OPEN_FILES))
            .compressionType(options.compression() ? CompressionType.SNAPPY : CompressionType.NONE);
    return new JavaEngine(
        Iq80DBFactory.factory.open(directory.toFile(), raw), options.verifyChecksums());
  }

  @Override
  public byte @Nullable [] get(byte[] key, @Nullable View at) throws IOException {
    try {
      return db.get(key, reads(at, true));
    } catch (RuntimeException e) {
      throw readFailure(e);
    }
  }

  /** This implementation tells of damage as if it were called wrongly. */
  private static IOException readFailure(RuntimeException e) {
    return new IOException((e instanceof DBException ? "" : "Corruption: ") + e.getMessage(), e);
  }

  @Override
  public Writes writes() {
    return new JavaWrites(db.createWriteBatch());
  }

  @Override
  public void write(Writes batch, boolean sync) throws IOException {
    try {
      db.write(((JavaWrites) batch).raw, sync ? synced : unsynced);
    } catch (DBException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  @Override
  public View view() {
    return new JavaView(db.getSnapshot());
  }

  @Override
  public Walk walk(@Nullable View at, boolean fillCache) {
    return new JavaWalk(db.iterator(reads(at, fillCache)));
  }

  @Override
  public void compactRange(byte[] from, byte[] to) {
    // This implementation cannot compact on demand; its background compaction reclaims the space
    // later.
  }

  @Override
  public long approximateSize(byte[] from, byte[] to) {
    return db.getApproximateSizes(new Range(from, to))[0];
  }

  @Override
  public @Nullable String property(String name) {
    return db.getProperty(name);
  }

  @Override
  public void close() throws IOException {
    db.close();
  }

  private ReadOptions reads(@Nullable View at, boolean fillCache) {
    ReadOptions options = new ReadOptions().verifyChecksums(verifyChecksums).fillCache(fillCache);
    return at == null ? options : options.snapshot(((JavaView) at).raw);
  }

  private static void closeQuietly(AutoCloseable closeable) {
    try {
      closeable.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private record JavaView(Snapshot raw) implements View {
    @Override
    public void release() {
      closeQuietly(raw);
    }
  }

  private record JavaWrites(WriteBatch raw) implements Writes {
    @Override
    public void put(byte[] key, byte[] value) {
      raw.put(key, value);
    }

    @Override
    public void delete(byte[] key) {
      raw.delete(key);
    }

    @Override
    public void release() {
      closeQuietly(raw);
    }
  }

  private record JavaWalk(DBIterator raw) implements Walk {
    @Override
    public void seek(byte[] key) throws IOException {
      try {
        raw.seek(key);
      } catch (RuntimeException e) {
        throw readFailure(e);
      }
    }

    @Override
    public void seekToFirst() throws IOException {
      try {
        raw.seekToFirst();
      } catch (RuntimeException e) {
        throw readFailure(e);
      }
    }

    @Override
    public boolean valid() throws IOException {
      try {
        return raw.hasNext();
      } catch (RuntimeException e) {
        throw readFailure(e);
      }
    }

    @Override
    public void next() throws IOException {
      try {
        raw.next();
      } catch (RuntimeException e) {
        throw readFailure(e);
      }
    }

    @Override
    public byte[] key() throws IOException {
      return entry().getKey();
    }

    @Override
    public byte[] value() throws IOException {
      return entry().getValue();
    }

    private Map.Entry<byte[], byte[]> entry() throws IOException {
      try {
        return raw.peekNext();
      } catch (RuntimeException e) {
        throw readFailure(e);
      }
    }

    @Override
    public void release() {
      closeQuietly(raw);
    }
  }
}
