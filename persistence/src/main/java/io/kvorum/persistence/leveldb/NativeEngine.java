package io.kvorum.persistence.leveldb;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.fusesource.leveldbjni.JniDBFactory;
import org.fusesource.leveldbjni.internal.NativeCache;
import org.fusesource.leveldbjni.internal.NativeCompressionType;
import org.fusesource.leveldbjni.internal.NativeDB;
import org.fusesource.leveldbjni.internal.NativeIterator;
import org.fusesource.leveldbjni.internal.NativeOptions;
import org.fusesource.leveldbjni.internal.NativeRange;
import org.fusesource.leveldbjni.internal.NativeReadOptions;
import org.fusesource.leveldbjni.internal.NativeSnapshot;
import org.fusesource.leveldbjni.internal.NativeWriteBatch;
import org.fusesource.leveldbjni.internal.NativeWriteOptions;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * LevelDB in native code. It uses the classes beneath leveldbjni's {@code DB}, because those let an
 * iterator read a key without its value, and option objects be kept instead of being made for each
 * call.
 */
final class NativeEngine implements Engine {

  private static final Logger log = LoggerFactory.getLogger(NativeEngine.class);

  private final NativeDB db;
  private final NativeCache cache;
  private final boolean verifyChecksums;
  private final NativeReadOptions reads;
  private final NativeReadOptions scans;
  private final NativeWriteOptions synced = new NativeWriteOptions().sync(true);
  private final NativeWriteOptions unsynced = new NativeWriteOptions().sync(false);

  private NativeEngine(NativeDB db, NativeCache cache, boolean verifyChecksums) {
    this.db = db;
    this.cache = cache;
    this.verifyChecksums = verifyChecksums;
    this.reads = new NativeReadOptions().verifyChecksums(verifyChecksums).fillCache(true);
    this.scans = new NativeReadOptions().verifyChecksums(verifyChecksums).fillCache(false);
  }

  /** Why the native library cannot be loaded on this machine, or null if it can. */
  static @Nullable Throwable unavailable() {
    try {
      // Naming the factory runs its initializer, which loads the library.
      if (JniDBFactory.factory == null) {
        return new IllegalStateException("leveldbjni gave no factory");
      }
      removeExtractedLibrary();
      return null;
    } catch (LinkageError e) {
      return e;
    }
  }

  /**
   * leveldbjni extracts its library into a new temporary file at each start and removes it only at
   * an orderly end. Where a loaded library can be unlinked this is done at once, so that killed
   * processes leave nothing behind.
   */
  static void removeExtractedLibrary() {
    Path maps = Path.of("/proc/self/maps");
    if (!Files.isReadable(maps)) {
      return;
    }
    Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
    try (Stream<String> lines = Files.lines(maps, StandardCharsets.ISO_8859_1)) {
      List<Path> extracted =
          lines
              .filter(line -> line.contains("/libleveldbjni-"))
              .map(line -> Path.of(line.substring(line.indexOf('/'))))
              .filter(file -> temporary.equals(file.getParent()))
              .distinct()
              .toList();
      for (Path file : extracted) {
        Files.deleteIfExists(file);
      }
    } catch (IOException | UncheckedIOException e) {
      log.debug("the extracted library stays in {}", temporary, e);
    }
  }

  static NativeEngine open(Path directory, LevelDbOptions options) throws IOException {
    NativeCache cache = new NativeCache(options.cacheBytes());
    NativeOptions raw =
        new NativeOptions()
            .createIfMissing(true)
            .paranoidChecks(true)
            .blockSize(LevelDbOptions.BLOCK_BYTES)
            .writeBufferSize(options.writeBufferBytes())
            .maxOpenFiles(Descriptors.openTables(options.maxOpenFiles()))
            .compression(
                options.compression()
                    ? NativeCompressionType.kSnappyCompression
                    : NativeCompressionType.kNoCompression)
            .cache(cache);
    if (options.ownThread()) {
      SecondEnvironment.choose(raw);
    }
    File file = directory.toFile();
    try {
      return new NativeEngine(NativeDB.open(raw, file), cache, options.verifyChecksums());
    } catch (IOException | RuntimeException e) {
      cache.delete();
      throw e;
    }
  }

  @Override
  public byte @Nullable [] get(byte[] key, @Nullable View at) throws IOException {
    try {
      return db.get(at == null ? reads : ((NativeView) at).reads, key);
    } catch (NativeDB.DBException e) {
      if (e.isNotFound()) {
        return null;
      }
      throw e;
    }
  }

  @Override
  public Writes writes() {
    return new NativeWrites(new NativeWriteBatch());
  }

  @Override
  public void write(Writes batch, boolean sync) throws IOException {
    db.write(sync ? synced : unsynced, ((NativeWrites) batch).raw);
  }

  @Override
  public View view() {
    return new NativeView(db.getSnapshot());
  }

  @Override
  public Walk walk(@Nullable View at, boolean fillCache) {
    if (at == null) {
      return new NativeWalk(db.iterator(fillCache ? reads : scans));
    }
    NativeView view = (NativeView) at;
    return new NativeWalk(db.iterator(fillCache ? view.reads : view.scans));
  }

  @Override
  public void compactRange(byte[] from, byte[] to) {
    db.compactRange(from, to);
  }

  @Override
  public long approximateSize(byte[] from, byte[] to) {
    return db.getApproximateSizes(new NativeRange(from, to))[0];
  }

  @Override
  public @Nullable String property(String name) {
    return db.getProperty(name);
  }

  @Override
  public void close() {
    db.delete();
    cache.delete();
  }

  private final class NativeView implements View {
    private final NativeSnapshot raw;
    private final NativeReadOptions reads;
    private final NativeReadOptions scans;

    private NativeView(NativeSnapshot raw) {
      this.raw = raw;
      this.reads =
          new NativeReadOptions().verifyChecksums(verifyChecksums).fillCache(true).snapshot(raw);
      this.scans =
          new NativeReadOptions().verifyChecksums(verifyChecksums).fillCache(false).snapshot(raw);
    }

    @Override
    public void release() {
      db.releaseSnapshot(raw);
    }
  }

  private record NativeWrites(NativeWriteBatch raw) implements Writes {
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
      raw.delete();
    }
  }

  private record NativeWalk(NativeIterator raw) implements Walk {
    private static final byte[] FIRST_BYTE = {0};

    @Override
    public void seek(byte[] key) throws IOException {
      raw.seek(key);
    }

    @Override
    public void seekToFirst() throws IOException {
      // Unlike all others this call of the library does not tell of damage.
      raw.seekToFirst();
      if (raw.isValid()) {
        raw.key();
      } else {
        raw.seek(FIRST_BYTE);
      }
    }

    @Override
    public boolean valid() {
      return raw.isValid();
    }

    @Override
    public void next() throws IOException {
      raw.next();
    }

    @Override
    public byte[] key() throws IOException {
      return raw.key();
    }

    @Override
    public byte[] value() throws IOException {
      return raw.value();
    }

    @Override
    public void release() {
      raw.delete();
    }
  }
}
