package io.kvorum.persistence.snapshot;

import static io.kvorum.persistence.snapshot.SnapshotFixture.CLUSTER;
import static io.kvorum.persistence.snapshot.SnapshotFixture.GROUP;
import static io.kvorum.persistence.snapshot.SnapshotFixture.fill;
import static io.kvorum.persistence.snapshot.SnapshotFixture.open;
import static io.kvorum.persistence.snapshot.SnapshotFixture.read;
import static io.kvorum.persistence.snapshot.SnapshotFixture.rows;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.mvcc.KeyspaceStaging;
import io.kvorum.persistence.snapshot.SnapshotFixture.Whole;
import io.kvorum.persistence.snapshot.SnapshotWriter.Verdict;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What of a stream is taken, and what is not. */
class SnapshotStreamTest {

  private static final int CHUNK_BYTES = 1000;

  @TempDir Path directory;
  private Keyspace source;
  private Keyspace target;

  @BeforeEach
  void openBoth() {
    source = open(directory.resolve("source"));
    target = open(directory.resolve("target"));
    fill(source, 60, 3000, new Random(1));
  }

  @AfterEach
  void closeBoth() {
    source.close();
    target.close();
  }

  private SnapshotWriter writer() {
    return new SnapshotWriter(target.stage(0), GROUP, CLUSTER, source.applied());
  }

  private static void write(SnapshotWriter writer, Whole whole) {
    for (SnapshotChunk chunk : whole.chunks()) {
      assertEquals(Verdict.WRITTEN, writer.write(chunk));
    }
  }

  private long generations() throws IOException {
    try (Stream<Path> files = Files.list(directory.resolve("target"))) {
      return files.filter(Files::isDirectory).count();
    }
  }

  @Test
  void everythingArrivesWhateverTheSizeOfTheChunks() {
    List<String> expected = rows(source);
    for (int chunkBytes : new int[] {1, 7, 1000, 1 << 20}) {
      Whole whole = read(source, chunkBytes);
      for (int i = 0; i < whole.chunks().size() - 1; i++) {
        assertEquals(chunkBytes, whole.chunks().get(i).bytes().size());
      }
      try (Keyspace other = open(directory.resolve("other" + chunkBytes));
          SnapshotWriter writer =
              new SnapshotWriter(other.stage(0), GROUP, CLUSTER, source.applied())) {
        write(writer, whole);
        other.install(writer.finish(whole.trailer()));
        assertEquals(expected, rows(other));
        assertEquals(source.applied(), other.applied());
        assertEquals(source.currentRevision(), other.currentRevision());
        assertArrayEquals(source.meta("owner"), other.meta("owner"));
      }
    }
  }

  @Test
  void theHeaderSaysWhatItIs() {
    assertEquals(
        new SnapshotHeader(GROUP, CLUSTER, new LogPosition(60, 1), 61, -1),
        read(source, CHUNK_BYTES).header());
  }

  @Test
  void writesThatComeLaterAreNotInIt() {
    Whole before = read(source, CHUNK_BYTES);
    try (SnapshotReader reader = new SnapshotReader(source.export(), CLUSTER, CHUNK_BYTES)) {
      List<SnapshotChunk> chunks = new ArrayList<>();
      for (SnapshotChunk chunk = reader.next(); chunk != null; chunk = reader.next()) {
        chunks.add(chunk);
        fill(source, 1, 100, new Random(chunks.size()));
      }
      assertEquals(before.chunks(), chunks);
      assertEquals(before.trailer(), reader.trailer());
    }
  }

  @Test
  void itMayBeReadAgainFromTheStart() {
    try (SnapshotReader reader = new SnapshotReader(source.export(), CLUSTER, CHUNK_BYTES)) {
      reader.next();
      reader.next();
      reader.rewind();
      Whole first = read(reader);
      fill(source, 5, 100, new Random(2));
      reader.rewind();
      assertEquals(first, read(reader));
    }
  }

  @Test
  void onlyTheNextChunkIsTaken() {
    Whole whole = read(source, CHUNK_BYTES);
    try (SnapshotWriter writer = writer()) {
      assertEquals(Verdict.GAP, writer.write(whole.chunks().get(1)));
      assertEquals(Verdict.WRITTEN, writer.write(whole.chunks().get(0)));
      assertEquals(Verdict.DUPLICATE, writer.write(whole.chunks().get(0)));
      assertEquals(Verdict.GAP, writer.write(whole.chunks().get(2)));
      assertEquals(1, writer.nextChunk());
      for (int i = 1; i < whole.chunks().size(); i++) {
        assertEquals(Verdict.WRITTEN, writer.write(whole.chunks().get(i)));
        assertEquals(Verdict.DUPLICATE, writer.write(whole.chunks().get(i)));
      }
      target.install(writer.finish(whole.trailer()));
    }
    assertEquals(rows(source), rows(target));
  }

  @Test
  void anyDamageToAChunkIsSeen() {
    Whole whole = read(source, CHUNK_BYTES);
    Random random = new Random(3);
    try (SnapshotWriter writer = writer()) {
      for (SnapshotChunk chunk : whole.chunks()) {
        byte[] bytes = chunk.bytes().toByteArray();
        bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
        assertEquals(Verdict.DAMAGED, writer.write(with(chunk, ByteString.copyFrom(bytes))));
        assertEquals(
            Verdict.DAMAGED,
            writer.write(with(chunk, chunk.bytes().substring(0, chunk.bytes().size() - 1))));
        assertEquals(
            Verdict.DAMAGED, writer.write(with(chunk, chunk.bytes().concat(bytes("more")))));
        assertEquals(Verdict.WRITTEN, writer.write(chunk));
      }
      writer.finish(whole.trailer()).close();
    }
  }

  @Test
  void aChunkInAnothersPlaceIsDamaged() {
    Whole whole = read(source, CHUNK_BYTES);
    SnapshotChunk second = whole.chunks().get(1);
    try (SnapshotWriter writer = writer()) {
      assertEquals(
          Verdict.DAMAGED, writer.write(new SnapshotChunk(0, second.bytes(), second.crc32c())));
    }
  }

  @Test
  void whatIsCutOffOrAddedIsSeenAtTheEnd() throws Exception {
    Whole whole = read(source, CHUNK_BYTES);
    int last = whole.chunks().size() - 1;
    try (SnapshotWriter writer = writer()) {
      whole.chunks().subList(0, last).forEach(writer::write);
      refused("chunks", () -> writer.finish(whole.trailer()));
      SnapshotTrailer shorter = new SnapshotTrailer(last, whole.trailer().sha256());
      refused("middle", () -> writer.finish(shorter));
    }
    try (SnapshotWriter writer = writer()) {
      write(writer, whole);
      refused("end", () -> writer.write(SnapshotChunk.of(last + 1, bytes("x"))));
    }
    assertEquals(1, generations());
  }

  /** Someone who computes the checksums of chunks anew cannot change the whole. */
  @Test
  void theDigestCoversEverything() throws Exception {
    Whole whole = read(source, CHUNK_BYTES);
    for (int changed = 0; changed < whole.chunks().size(); changed += 3) {
      try (SnapshotWriter writer = writer()) {
        for (SnapshotChunk chunk : whole.chunks()) {
          byte[] bytes = chunk.bytes().toByteArray();
          if (chunk.number() == changed) {
            bytes[bytes.length - 1] ^= 1;
          }
          writer.write(SnapshotChunk.of(chunk.number(), ByteString.copyFrom(bytes)));
        }
        assertThrows(SnapshotException.class, () -> writer.finish(whole.trailer()));
      } catch (SnapshotException seenBeforeTheEnd) {
        assertTrue(changed >= 0, "so much the better");
      }
      assertEquals(1, generations());
    }
  }

  @Test
  void theSnapshotOfAnotherClusterGroupOrPositionIsRefused() {
    Whole whole = read(source, CHUNK_BYTES);
    SnapshotChunk first = whole.chunks().get(0);
    LogPosition at = source.applied();
    refused("cluster", first, new SnapshotWriter(target.stage(0), GROUP, CLUSTER + 1, at));
    refused("group", first, new SnapshotWriter(target.stage(0), new GroupId(8), CLUSTER, at));
    refused(
        "ends at",
        first,
        new SnapshotWriter(target.stage(0), GROUP, CLUSTER, new LogPosition(60, 2)));
  }

  @Test
  void whatIsNoSnapshotOrOfALaterFormatIsRefused() {
    byte[] header = read(source, 1 << 20).chunks().get(0).bytes().toByteArray();
    header[7]++;
    refused("format 2", SnapshotChunk.of(0, ByteString.copyFrom(header)), writer());
    header[0]++;
    refused("no snapshot", SnapshotChunk.of(0, ByteString.copyFrom(header)), writer());
  }

  @Test
  void rowsOutOfOrderOrWithoutAnEndAreNoKeyspace() throws Exception {
    try (KeyspaceStaging staging = target.stage(0)) {
      byte[] row = {0, 0, 0, 7, 'c', 'k'};
      staging.put(row, new byte[] {1});
      assertThrows(IllegalArgumentException.class, () -> staging.put(row, new byte[] {2}));
      assertThrows(
          IllegalArgumentException.class,
          () -> staging.put(new byte[] {0, 0, 0, 8, 'c', 'k'}, new byte[] {2}));
      assertThrows(IllegalArgumentException.class, () -> staging.seal(new LogPosition(60, 1)));
      assertThrows(IllegalStateException.class, staging::position);
    }
    assertEquals(1, generations());
  }

  @Test
  void whatIsLetGoOfLeavesNothing() throws Exception {
    Whole whole = read(source, CHUNK_BYTES);
    try (SnapshotWriter writer = writer()) {
      writer.write(whole.chunks().get(0));
      assertEquals(2, generations());
    }
    assertEquals(1, generations());
    try (SnapshotWriter writer = writer()) {
      write(writer, whole);
      writer.finish(whole.trailer()).close();
    }
    assertEquals(1, generations());
  }

  @Test
  void theDigestIsSha256OfTheBytes() throws Exception {
    Whole whole = read(source, CHUNK_BYTES);
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    whole.chunks().forEach(chunk -> digest.update(chunk.bytes().toByteArray()));
    assertEquals(ByteString.copyFrom(digest.digest()), whole.trailer().sha256());
    fill(source, 1, 10, new Random(9));
    assertNotEquals(whole.trailer(), read(source, CHUNK_BYTES).trailer());
  }

  private static void refused(String saying, SnapshotChunk chunk, SnapshotWriter writer) {
    try (writer) {
      refused(saying, () -> writer.write(chunk));
    }
  }

  private static void refused(String saying, Runnable doing) {
    String message = String.valueOf(assertThrows(SnapshotException.class, doing::run).getMessage());
    assertTrue(message.contains(saying), message);
  }

  private static SnapshotChunk with(SnapshotChunk chunk, ByteString bytes) {
    return new SnapshotChunk(chunk.number(), bytes, chunk.crc32c());
  }

  private static ByteString bytes(String text) {
    return ByteString.copyFromUtf8(text);
  }
}
