package io.kvorum.persistence.leveldb;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The few operations that {@link LevelDb} needs of a LevelDB. An implementation checks nothing: use
 * after close may crash the process, so only {@link LevelDb} may hold one.
 */
sealed interface Engine permits NativeEngine, JavaEngine {

  byte @Nullable [] get(byte[] key, @Nullable View at) throws IOException;

  Writes writes();

  void write(Writes batch, boolean sync) throws IOException;

  View view();

  Walk walk(@Nullable View at, boolean fillCache);

  void compactRange(byte[] from, byte[] to);

  long approximateSize(byte[] from, byte[] to);

  @Nullable String property(String name);

  void close() throws IOException;

  /** A raw snapshot. */
  interface View {
    void release();
  }

  /** A raw write batch. */
  interface Writes {
    void put(byte[] key, byte[] value);

    void delete(byte[] key);

    void release();
  }

  /** A raw iterator. */
  interface Walk {
    void seek(byte[] key) throws IOException;

    void seekToFirst() throws IOException;

    boolean valid() throws IOException;

    void next() throws IOException;

    byte[] key() throws IOException;

    byte[] value() throws IOException;

    void release();
  }
}
