package io.kvorum.persistence.bbolt;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * A bbolt file opened for reading. Nobody may write it meanwhile. Pages are read when they are
 * needed; bytes behind the last page, as a snapshot has them, do not matter. One thread at a time.
 *
 * <p>Its first two pages are meta pages, written in turn, each with a checksum; of those that are
 * whole the one of the later transaction counts.
 */
public final class BoltFile implements AutoCloseable {

  /** With its overflow. etcd refuses requests of a fraction of this. */
  private static final long MAX_PAGE_BYTES = 1L << 30;

  private static final int FIRST_TREE_PAGE = 2;
  private static final int SMALLEST_PAGE_BYTES = 1024;
  private static final int PAGE_SIZES = 16;

  private final Path path;
  private final FileChannel channel;
  private final BoltMeta meta;
  private long bytesRead;

  private BoltFile(Path path, FileChannel channel, BoltMeta meta) {
    this.path = path;
    this.channel = channel;
    this.meta = meta;
  }

  /**
   * @throws BoltException if it cannot be read, is no bbolt file or is cut off
   */
  public static BoltFile open(Path path) {
    FileChannel channel = null;
    boolean opened = false;
    try {
      channel = FileChannel.open(path, StandardOpenOption.READ);
      BoltMeta meta = newestMeta(path, channel);
      long needed = Math.multiplyExact(meta.pages(), (long) meta.pageBytes());
      if (channel.size() < needed) {
        throw new BoltException(
            path, "is cut off: it has " + channel.size() + " bytes of " + needed);
      }
      opened = true;
      return new BoltFile(path, channel, meta);
    } catch (NoSuchFileException e) {
      throw new BoltException(path, "does not exist", e);
    } catch (IOException e) {
      throw new BoltException(path, "cannot be read: " + e, e);
    } catch (ArithmeticException e) {
      throw new BoltException(path, "is damaged: its meta page counts more pages than can be", e);
    } finally {
      if (channel != null && !opened) {
        closeQuietly(channel);
      }
    }
  }

  private static void closeQuietly(FileChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      throw new IllegalStateException("a file opened for reading cannot be closed", e);
    }
  }

  /** The second meta page stands where the first says, or, if that is damaged, is looked for. */
  private static BoltMeta newestMeta(Path path, FileChannel channel) throws IOException {
    BoltMeta first = meta(channel, 0);
    if (first != null) {
      BoltMeta second = meta(channel, first.pageBytes());
      return second != null && Long.compareUnsigned(second.transaction(), first.transaction()) > 0
          ? second
          : first;
    }
    for (int i = 0; i < PAGE_SIZES; i++) {
      long at = (long) SMALLEST_PAGE_BYTES << i;
      BoltMeta second = meta(channel, at);
      if (second != null && second.pageBytes() == at) {
        return second;
      }
    }
    throw new BoltException(
        path, "is no etcd database, or is damaged: neither of its two meta pages is whole");
  }

  private static @Nullable BoltMeta meta(FileChannel channel, long at) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(BoltPage.HEADER_BYTES + BoltMeta.BYTES);
    return readFully(channel, bytes, at) ? BoltMeta.decode(bytes) : null;
  }

  private static boolean readFully(FileChannel channel, ByteBuffer into, long at)
      throws IOException {
    into.order(ByteOrder.LITTLE_ENDIAN);
    long position = at;
    while (into.hasRemaining()) {
      int read = channel.read(into, position);
      if (read < 0) {
        return false;
      }
      position += read;
    }
    into.flip();
    return true;
  }

  public Path path() {
    return path;
  }

  /** Bytes of all pages: what etcd tells as the size of its database. */
  public long sizeBytes() {
    return meta.pages() * meta.pageBytes();
  }

  /** How much was read so far: tells how far a walk over everything has come. */
  public long bytesRead() {
    return bytesRead;
  }

  /** The bucket of all buckets. */
  public BoltBucket root() {
    return BoltBucket.at(this, meta.rootPage());
  }

  /**
   * A page of a tree.
   *
   * @throws BoltException if there is none of that id
   */
  BoltPage page(long id, long askedBy) {
    if (id < FIRST_TREE_PAGE || id >= meta.pages()) {
      throw BoltException.ofPage(path, askedBy, "points to page " + id + ", which is not there");
    }
    int pageBytes = meta.pageBytes();
    try {
      ByteBuffer header = ByteBuffer.allocate(pageBytes);
      read(header, id * pageBytes, id);
      if (BoltPage.id(header) != id) {
        throw BoltException.ofPage(path, id, "says that it is page " + BoltPage.id(header));
      }
      long overflow = BoltPage.overflow(header);
      long bytes = (overflow + 1) * pageBytes;
      if (id + overflow >= meta.pages() || bytes > MAX_PAGE_BYTES) {
        throw BoltException.ofPage(path, id, "says that it goes on for " + overflow + " pages");
      }
      if (overflow == 0) {
        return BoltPage.of(path, id, header.array());
      }
      ByteBuffer whole = ByteBuffer.allocate((int) bytes).put(header);
      read(whole, (id + 1) * pageBytes, id);
      return BoltPage.of(path, id, whole.array());
    } catch (IOException e) {
      throw new BoltException(path, "cannot be read at page " + id + ": " + e, e);
    }
  }

  private void read(ByteBuffer into, long at, long id) throws IOException {
    int bytes = into.remaining();
    if (!readFully(channel, into, at)) {
      throw BoltException.ofPage(path, id, "is cut off");
    }
    bytesRead += bytes;
  }

  @Override
  public void close() {
    closeQuietly(channel);
  }
}
