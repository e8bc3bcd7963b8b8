package io.kvorum.persistence.mvcc;

import static io.kvorum.persistence.mvcc.Requests.get;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.persistence.snapshot.SnapshotChunk;
import io.kvorum.persistence.snapshot.SnapshotReader;
import io.kvorum.persistence.snapshot.SnapshotWriter;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The directory as a crash leaves it at each step of an installation, copied and opened: it is the
 * old keyspace or the new one, whole, and says which.
 */
class InstallCrashTest {

  private static final LogPosition OLD = new LogPosition(5, 1);
  private static final LogPosition NEW = new LogPosition(200, 1);

  @TempDir Path directory;
  private TestKeyspace source;
  private TestKeyspace target;
  private int copies;

  @BeforeEach
  void fill() {
    source = new TestKeyspace(directory.resolve("source"));
    target = new TestKeyspace(directory.resolve("target"));
    for (int i = 0; i < OLD.index(); i++) {
      target.put("a", "old");
    }
    for (int i = 0; i < NEW.index(); i++) {
      source.put("a" + (i < NEW.index() - 1 ? i : ""), "new");
    }
  }

  @AfterEach
  void close() {
    source.close();
    target.close();
  }

  private Path copy() throws IOException {
    Path from = directory.resolve("target");
    Path to = directory.resolve("crash-" + copies++);
    try (Stream<Path> files = Files.walk(from)) {
      files.forEach(
          file -> {
            try {
              Files.copy(file, to.resolve(from.relativize(file).toString()));
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    }
    return to;
  }

  private static void isOld(Path copy) {
    is(copy, OLD, "old", Optional.empty());
  }

  private static void isNew(Path copy, Optional<LogPosition> unfinished) {
    is(copy, NEW, "new", unfinished);
  }

  private static void is(
      Path copy, LogPosition applied, String value, Optional<LogPosition> unfinished) {
    // Twice: the first opening has repaired what there was, and must not have changed what it is.
    for (int opening = 0; opening < 2; opening++) {
      try (TestKeyspace store = new TestKeyspace(copy)) {
        assertEquals(applied, store.keyspace.applied());
        assertEquals(applied.index() + 1, store.keyspace.currentRevision());
        assertEquals(value, store.range(get("a")).getKvs(0).getValue().toStringUtf8());
        assertEquals(unfinished, store.keyspace.unfinishedInstall());
        assertEquals(1, generations(copy).size(), "the other is removed");
      }
    }
    try (TestKeyspace store = new TestKeyspace(copy)) {
      store.put("more", "");
      store.keyspace.sync();
      assertEquals(applied.index() + 2, store.keyspace.currentRevision());
    }
  }

  private static List<Path> generations(Path store) {
    try (Stream<Path> files = Files.list(store)) {
      return files.filter(Files::isDirectory).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void awaitRemoval() {
    InstallTest.await(() -> generations(directory.resolve("target")).size() == 1);
  }

  @Test
  void atEveryStep() throws Exception {
    isOld(copy());
    KeyspaceStaging staged;
    try (SnapshotReader reader = new SnapshotReader(source.keyspace.export(), 1, 300);
        SnapshotWriter writer =
            new SnapshotWriter(target.keyspace.stage(0), GroupId.DEFAULT, 1, NEW)) {
      isOld(copy());
      for (SnapshotChunk chunk = reader.next(); chunk != null; chunk = reader.next()) {
        writer.write(chunk);
        if (chunk.number() == 20) {
          isOld(copy());
        }
      }
      isOld(copy());
      staged = writer.finish(reader.trailer());
    }
    isOld(copy());
    Path beforeRenaming = copy();
    Files.writeString(beforeRenaming.resolve("current-generation.new"), "kvorum keyspa");
    isOld(beforeRenaming);

    ReadView old = target.keyspace.view();
    target.keyspace.install(staged);
    Path switched = copy();
    assertEquals(2, generations(switched).size(), "both are there");
    isNew(switched, Optional.of(NEW));

    Path oldHalfRemoved = copy();
    try (Stream<Path> files = Files.list(oldHalfRemoved.resolve("generation-1"))) {
      for (Path file : files.sorted().limit(2).toList()) {
        Files.delete(file);
      }
    }
    isNew(oldHalfRemoved, Optional.of(NEW));

    target.keyspace.installFinished();
    isNew(copy(), Optional.empty());
    old.close();
    awaitRemoval();
    isNew(copy(), Optional.empty());
  }

  @Test
  void theNextOneFollowsTheFirst() throws Exception {
    target.keyspace.install(InstallTest.transfer(source.keyspace, target.keyspace, 1000));
    target.keyspace.installFinished();
    source.put("a", "newer");
    target.keyspace.install(InstallTest.transfer(source.keyspace, target.keyspace, 1000));
    awaitRemoval();
    is(copy(), new LogPosition(201, 1), "newer", Optional.of(new LogPosition(201, 1)));
  }

  @Test
  void aLostPartOfWhatWasInstalledIsRefused() throws Exception {
    target.keyspace.install(InstallTest.transfer(source.keyspace, target.keyspace, 1000));
    target.close();
    Path copy = copy();
    Path installed = generations(copy).stream().sorted().toList().getLast();
    try (Stream<Path> files = Files.list(installed)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    String message =
        assertThrows(StorageException.class, () -> new TestKeyspace(copy)).getMessage();
    assertTrue(message.contains("installed at"), message);
    target = new TestKeyspace(directory.resolve("target"));
  }

  @Test
  void aKeyspaceThatCannotTellWhichItIsIsRefused() throws Exception {
    ReadView old = target.keyspace.view();
    target.keyspace.install(InstallTest.transfer(source.keyspace, target.keyspace, 1000));
    Path damaged = copy();
    Path pointer = damaged.resolve("current-generation");
    String content = Files.readString(pointer);
    Files.writeString(pointer, content.replace("installed 200", "installed 300"));
    refused(damaged, "damaged");
    Files.writeString(pointer, content.substring(0, 20));
    refused(damaged, "damaged");
    old.close();
    awaitRemoval();
    Path missing = copy();
    Files.delete(missing.resolve("current-generation"));
    refused(missing, "missing");
    Path gone = copy();
    KeyspaceDirectory.delete(gone.resolve("generation-2"));
    refused(gone, "generation 2");
    assertFalse(Files.exists(gone.resolve("generation-1")));
  }

  private static void refused(Path store, String saying) {
    String message =
        assertThrows(StorageException.class, () -> new TestKeyspace(store)).getMessage();
    assertTrue(message.contains(saying), message);
  }
}
