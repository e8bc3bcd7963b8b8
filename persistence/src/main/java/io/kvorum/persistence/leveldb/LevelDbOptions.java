package io.kvorum.persistence.leveldb;

/**
 * How a database is kept: {@link #defaults} with what is to be different.
 *
 * @param writeBufferBytes how much is gathered in memory, and in one log file, before a table is
 *     written
 * @param cacheBytes cache of uncompressed table blocks
 * @param verifyChecksums check a block's checksum at each read of it from disk
 * @param compression compress table blocks with Snappy
 * @param maxOpenFiles tables kept open, as far as the process has file descriptors for them
 * @param minFreeBytes writes are refused while the file system has less room than this
 * @param ownThread flush and compact on another thread than the databases without this do
 */
public record LevelDbOptions(
    long writeBufferBytes,
    long cacheBytes,
    boolean verifyChecksums,
    boolean compression,
    int maxOpenFiles,
    long minFreeBytes,
    boolean ownThread) {

  /**
   * Rows are read and checked by blocks of about so many bytes. Smaller than LevelDB's own 4096, as
   * every read from a table computes the checksum of a whole block.
   */
  static final int BLOCK_BYTES = 2048;

  // LevelDB's own constants, from which follows what its background work may need at once.
  private static final int MAX_LEVEL_0_TABLES = 12;
  private static final int MAX_TABLES_OF_A_COMPACTION = 25;
  private static final long TABLE_BYTES = 2L << 20;

  private static final long WRITE_BUFFER_BYTES = 4L << 20;
  private static final long CACHE_BYTES = 32L << 20;
  private static final int MAX_OPEN_FILES = 500;

  /** Every checksum is looked at, blocks are compressed, and as much is left free as follows. */
  public static LevelDbOptions defaults() {
    return new LevelDbOptions(
        WRITE_BUFFER_BYTES,
        CACHE_BYTES,
        true,
        true,
        MAX_OPEN_FILES,
        minFreeBytesFor(WRITE_BUFFER_BYTES),
        false);
  }

  /**
   * Room for the work that LevelDB may do behind the last write let through: a log and a flush, a
   * compaction of all that waits in level 0 (each table a write buffer), and one of the levels
   * below.
   */
  public static long minFreeBytesFor(long writeBufferBytes) {
    return (MAX_LEVEL_0_TABLES + 4) * writeBufferBytes + MAX_TABLES_OF_A_COMPACTION * TABLE_BYTES;
  }

  /** With the free space that such a buffer needs, unless another was asked for. */
  public LevelDbOptions withWriteBufferBytes(long bytes) {
    return new LevelDbOptions(
        bytes,
        cacheBytes,
        verifyChecksums,
        compression,
        maxOpenFiles,
        minFreeBytes == minFreeBytesFor(writeBufferBytes) ? minFreeBytesFor(bytes) : minFreeBytes,
        ownThread);
  }

  public LevelDbOptions withCacheBytes(long bytes) {
    return new LevelDbOptions(
        writeBufferBytes,
        bytes,
        verifyChecksums,
        compression,
        maxOpenFiles,
        minFreeBytes,
        ownThread);
  }

  public LevelDbOptions withVerifyChecksums(boolean verify) {
    return new LevelDbOptions(
        writeBufferBytes, cacheBytes, verify, compression, maxOpenFiles, minFreeBytes, ownThread);
  }

  public LevelDbOptions withCompression(boolean compress) {
    return new LevelDbOptions(
        writeBufferBytes,
        cacheBytes,
        verifyChecksums,
        compress,
        maxOpenFiles,
        minFreeBytes,
        ownThread);
  }

  public LevelDbOptions withMaxOpenFiles(int files) {
    return new LevelDbOptions(
        writeBufferBytes, cacheBytes, verifyChecksums, compression, files, minFreeBytes, ownThread);
  }

  public LevelDbOptions withMinFreeBytes(long bytes) {
    return new LevelDbOptions(
        writeBufferBytes, cacheBytes, verifyChecksums, compression, maxOpenFiles, bytes, ownThread);
  }

  public LevelDbOptions withOwnThread(boolean own) {
    return new LevelDbOptions(
        writeBufferBytes,
        cacheBytes,
        verifyChecksums,
        compression,
        maxOpenFiles,
        minFreeBytes,
        own);
  }
}
