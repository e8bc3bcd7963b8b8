package io.kvorum.persistence.mvcc;

import static io.kvorum.persistence.mvcc.Requests.all;
import static io.kvorum.persistence.mvcc.Requests.delete;
import static io.kvorum.persistence.mvcc.Requests.op;
import static io.kvorum.persistence.mvcc.Requests.put;
import static io.kvorum.persistence.mvcc.Requests.txn;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.protocol.etcdserverpb.RangeResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Batches are not synced, so after a loss of power LevelDB's log may end anywhere. Wherever it is
 * cut, what opens is the state after some batch, whole, with the position that belongs to it, and
 * the log can be applied again from there.
 */
class CrashTest {

  private static final int BATCHES = 60;
  private static final int CUTS = 40;

  /** What the store looked like at a position. */
  private record State(long revision, long compacted, long liveKeys, RangeResponse everything) {}

  @TempDir Path directory;

  @Test
  void aLogCutAnywhereGivesTheStateAfterABatch() throws IOException {
    Path written = directory.resolve("written");
    TreeMap<Long, State> states = new TreeMap<>();
    try (TestKeyspace store = new TestKeyspace(written)) {
      states.put(0L, state(store));
      for (int i = 0; i < BATCHES; i++) {
        apply(store, i);
        states.put(store.keyspace.applied().index(), state(store));
      }
    }
    Path levelDb = TestKeyspace.levelDb(written);
    Path log = newestLog(levelDb);
    Random random = new Random(5);
    Set<Long> seen = new HashSet<>();
    for (int cut = 0; cut < CUTS; cut++) {
      Path copy = directory.resolve("cut-" + cut);
      long bytes = random.nextLong(Files.size(log) + 1);
      copy(levelDb, copy.resolve(levelDb.getFileName()), log, bytes);
      try (TestKeyspace store = new TestKeyspace(copy)) {
        long applied = store.keyspace.applied().index();
        seen.add(applied);
        assertEquals(states.get(applied), state(store), () -> "log cut to " + bytes + " bytes");
        for (int i = (int) applied; i < BATCHES; i++) {
          apply(store, i);
        }
        assertEquals(
            states.lastEntry().getValue(),
            state(store),
            () -> "applied again behind " + bytes + " bytes");
      }
    }
    assertTrue(seen.size() > CUTS / 2, seen::toString);
  }

  private static void apply(TestKeyspace store, int number) {
    switch (number % 6) {
      case 0, 1, 2 -> store.put("k" + number % 5, "v" + number);
      case 3 ->
          store.txn(txn(op(put("t", "" + number)), op(delete("k" + number % 3)), op(put("u", ""))));
      case 4 -> store.delete(delete("k1", "k4"));
      default -> store.tryCompact(store.keyspace.currentRevision() - 3);
    }
  }

  private static State state(TestKeyspace store) {
    return new State(
        store.keyspace.currentRevision(),
        store.keyspace.compactedRevision(),
        store.keyspace.stats().liveKeys(),
        store.range(all()).build());
  }

  private static Path newestLog(Path from) throws IOException {
    try (Stream<Path> files = Files.list(from)) {
      return files.filter(file -> file.toString().endsWith(".log")).sorted().toList().getLast();
    }
  }

  private static void copy(Path from, Path to, Path log, long logBytes) throws IOException {
    Files.createDirectories(to);
    try (Stream<Path> files = Files.list(from)) {
      files.forEach(
          file -> {
            try {
              Path target = Files.copy(file, to.resolve(file.getFileName()));
              if (file.equals(log)) {
                try (FileChannel channel = FileChannel.open(target, StandardOpenOption.WRITE)) {
                  channel.truncate(logBytes);
                }
              }
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    }
  }
}
