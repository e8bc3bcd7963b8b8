package io.kvorum.persistence.snapshot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.protocol.LogPosition;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The form of a snapshot's file, and that a keyspace can be made of it. */
class SnapshotFileTest {

  private static final int DIGEST_BYTES = 32;

  @TempDir Path directory;

  private static byte[] read(SnapshotFile file, int pieceBytes) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    long remaining = -1;
    for (SnapshotFile.Piece piece = file.next(); piece != null; piece = file.next()) {
      assertTrue(piece.bytes().size() <= pieceBytes);
      if (remaining > 0) {
        assertEquals(remaining - piece.bytes().size(), piece.remainingBytes());
      }
      remaining = piece.remainingBytes();
      piece.bytes().writeTo(bytes);
    }
    assertEquals(0, remaining);
    assertNull(file.next());
    return bytes.toByteArray();
  }

  @ParameterizedTest
  @ValueSource(ints = {512, 1024, 32 * 1024})
  void holdsEverything(int pieceBytes) throws Exception {
    try (Keyspace source = SnapshotFixture.open(directory.resolve("source"));
        Keyspace target = SnapshotFixture.open(directory.resolve("target"))) {
      SnapshotFixture.fill(source, 60, 3000, new Random(1));
      LogPosition at = source.applied();
      byte[] whole;
      try (SnapshotFile file =
          SnapshotFile.open(source.export(), SnapshotFixture.CLUSTER, pieceBytes)) {
        whole = read(file, pieceBytes);
      }
      int content = whole.length - DIGEST_BYTES;
      assertEquals(0, content % SnapshotFile.BLOCK_BYTES);
      MessageDigest digest = SnapshotReader.sha256();
      digest.update(whole, 0, content);
      assertArrayEquals(digest.digest(), Arrays.copyOfRange(whole, content, whole.length));

      SnapshotFixture.Whole stream = SnapshotFixture.read(source, 1000);
      int streamBytes = stream.chunks().stream().mapToInt(chunk -> chunk.bytes().size()).sum();
      assertTrue(content - streamBytes < SnapshotFile.BLOCK_BYTES);
      assertArrayEquals(
          new byte[content - streamBytes], Arrays.copyOfRange(whole, streamBytes, content));
      try (SnapshotWriter writer =
          new SnapshotWriter(target.stage(0), SnapshotFixture.GROUP, SnapshotFixture.CLUSTER, at)) {
        int from = 0;
        for (SnapshotChunk chunk : stream.chunks()) {
          int to = from + chunk.bytes().size();
          assertArrayEquals(chunk.bytes().toByteArray(), Arrays.copyOfRange(whole, from, to));
          writer.write(chunk);
          from = to;
        }
        target.install(writer.finish(stream.trailer()));
      }
      assertEquals(SnapshotFixture.rows(source), SnapshotFixture.rows(target));
    }
  }

  /** Whatever the length of the content is. */
  @Test
  void everyLength() throws Exception {
    try (Keyspace source = SnapshotFixture.open(directory)) {
      for (int i = 0; i < 40; i++) {
        SnapshotFixture.fill(source, 1, 200, new Random(i));
        try (SnapshotFile file = SnapshotFile.open(source.export(), 1, 512)) {
          assertEquals(DIGEST_BYTES, read(file, 512).length % SnapshotFile.BLOCK_BYTES);
        }
      }
    }
  }
}
