package io.kvorum.persistence.snapshot;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.function.LongConsumer;

/**
 * The SHA-256 that etcd, and Kvorum too, puts behind the content when it gives it away as a
 * snapshot; an etcd's file copied from a data directory has none. The two are told apart by the
 * length, as by etcd: the content ends with a multiple of 512.
 */
public final class SnapshotChecksum {
  static final int DIGEST_BYTES = 32;
  private static final int BUFFER_BYTES = 1 << 20;

  /** How the file's end compares with its content. */
  public enum Verdict {
    MATCHES,
    DIFFERS,
    /** There is no checksum. */
    ABSENT
  }

  private final Verdict verdict;
  private final byte[] digest;

  private SnapshotChecksum(Verdict verdict, byte[] digest) {
    this.verdict = verdict;
    this.digest = digest;
  }

  /**
   * Whether the length is that of a file with a checksum.
   *
   * @throws SnapshotException if there is no such file
   */
  public static boolean isPresent(Path file) {
    try {
      return Files.size(file) % SnapshotFile.BLOCK_BYTES == DIGEST_BYTES;
    } catch (NoSuchFileException e) {
      throw new SnapshotException(file + " does not exist", e);
    } catch (IOException e) {
      throw new SnapshotException(file + " cannot be read: " + e, e);
    }
  }

  /**
   * Reads the whole file.
   *
   * @param progress told now and then how many bytes were read; may throw, to end it
   * @throws SnapshotException if it cannot be read
   */
  public static SnapshotChecksum of(Path file, LongConsumer progress) {
    boolean present = isPresent(file);
    try (InputStream in = Files.newInputStream(file)) {
      long left = Files.size(file) - (present ? DIGEST_BYTES : 0);
      MessageDigest sha256 = SnapshotReader.sha256();
      byte[] buffer = new byte[BUFFER_BYTES];
      long done = 0;
      while (left > 0) {
        int read = in.read(buffer, 0, (int) Math.min(left, buffer.length));
        if (read < 0) {
          throw new SnapshotException(file + " has become shorter while it was read");
        }
        sha256.update(buffer, 0, read);
        left -= read;
        done += read;
        progress.accept(done);
      }
      byte[] digest = sha256.digest();
      Verdict verdict = Verdict.ABSENT;
      if (present) {
        verdict =
            Arrays.equals(in.readNBytes(DIGEST_BYTES), digest) ? Verdict.MATCHES : Verdict.DIFFERS;
      }
      return new SnapshotChecksum(verdict, digest);
    } catch (IOException e) {
      throw new SnapshotException(file + " cannot be read: " + e, e);
    }
  }

  public Verdict verdict() {
    return verdict;
  }

  /** Of the content. */
  public byte[] digest() {
    return digest.clone();
  }

  /** Of the content, in hexadecimal. */
  @Override
  public String toString() {
    return HexFormat.of().formatHex(digest);
  }
}
