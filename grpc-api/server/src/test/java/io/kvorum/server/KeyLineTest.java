package io.kvorum.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.mvccpb.Event;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KeyLineTest {
  private static ByteString key(int number) {
    return ByteString.copyFromUtf8("lock/" + number);
  }

  private static KeyValue record(ByteString key, long created, long modified) {
    return KeyValue.newBuilder()
        .setKey(key)
        .setCreateRevision(created)
        .setModRevision(modified)
        .build();
  }

  private static Event put(int key, long created, long modified) {
    return Event.newBuilder().setKv(record(key(key), created, modified)).build();
  }

  private static Event delete(int key, long revision) {
    return Event.newBuilder()
        .setType(Event.EventType.DELETE)
        .setKv(KeyValue.newBuilder().setKey(key(key)).setModRevision(revision))
        .build();
  }

  @Test
  void aCallerPassesWhenNobodyIsBeforeIt() {
    var line = new KeyLine();
    line.read(List.of(record(key(1), 5, 9), record(key(2), 6, 6)), false, 10);
    var first = line.join(key(1), 5);
    var second = line.join(key(2), 6);
    assertEquals(List.of(first), line.pass());
    assertTrue(line.holds(first));
    line.change(delete(1, 11));
    assertEquals(List.of(second), line.pass());
    assertFalse(line.hasWaiters());
    assertFalse(line.holds(first));
  }

  @Test
  void nobodyPassesBeforeAllThatWasCreatedEarlierHasBeenSeen() {
    var line = new KeyLine();
    line.read(List.of(), false, 10);
    var waiter = line.join(key(3), 13);
    assertEquals(List.of(), line.pass());
    line.change(put(2, 12, 12));
    line.change(put(3, 13, 13));
    assertEquals(List.of(), line.pass());
    line.change(delete(2, 14));
    assertEquals(List.of(waiter), line.pass());
  }

  @Test
  void aKeyThatIsPutAgainStandsBehind() {
    var line = new KeyLine();
    line.read(List.of(record(key(1), 5, 5), record(key(2), 6, 6)), false, 10);
    var waiter = line.join(key(2), 6);
    line.change(put(1, 5, 11));
    assertEquals(List.of(), line.pass());
    line.change(delete(1, 12));
    line.change(put(1, 13, 13));
    assertEquals(List.of(waiter), line.pass());
  }

  @Test
  void whatWasReadAlreadyIsNoChange() {
    var line = new KeyLine();
    line.read(List.of(record(key(1), 9, 9), record(key(2), 10, 10)), false, 10);
    var waiter = line.join(key(2), 10);
    line.change(delete(1, 8));
    assertEquals(List.of(), line.pass());
    line.leave(waiter);
    assertFalse(line.hasWaiters());
  }

  @Test
  void aDeletionMayBeKnownBeforeItsChangeComes() {
    var line = new KeyLine();
    line.read(List.of(record(key(1), 9, 9), record(key(2), 10, 10)), false, 10);
    var waiter = line.join(key(2), 10);
    line.gone(key(1), 12);
    assertEquals(List.of(waiter), line.pass());
    var other = line.join(key(3), 14);
    line.change(delete(1, 12));
    line.change(put(1, 13, 13));
    line.gone(key(1), 12);
    line.gone(key(2), 15);
    line.change(put(3, 14, 14));
    assertEquals(List.of(), line.pass(), "the key was put again since");
    line.change(delete(1, 16));
    assertEquals(List.of(other), line.pass());
  }

  @Test
  void ofManyKeysTheOldestAreHeldUntilTheyAreGone() {
    var line = new KeyLine(2);
    line.read(List.of(record(key(1), 1, 1), record(key(2), 2, 2)), true, 10);
    var waiter = line.join(key(3), 3);
    assertFalse(line.isExhausted());
    line.change(delete(1, 11));
    line.change(delete(2, 12));
    assertTrue(line.isExhausted());
    assertEquals(List.of(), line.pass());
    line.read(List.of(record(key(3), 3, 3), record(key(4), 4, 4)), false, 12);
    assertEquals(List.of(waiter), line.pass());
    line.change(put(5, 13, 13));
    line.change(delete(3, 14));
    line.change(delete(4, 15));
    assertTrue(line.isExhausted(), "the third key has no room beside two others");
  }

  /**
   * Keys come, change and go; some of them are callers'. Whoever passes has nobody before it at the
   * newest revision, and whoever waits has somebody, unless the line has not come that far.
   */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8, 1024})
  void isWhatARangeAtEachRevisionSays(int maxKeys) {
    for (int seed = 0; seed < 300; seed++) {
      new Model(maxKeys, new Random(seed)).run();
    }
  }

  private static final class Model {
    private final Random random;
    private final KeyLine line;
    private final Map<Integer, KeyValue> live = new TreeMap<>();
    private final Map<KeyLine.Waiter, Long> waiting = new HashMap<>();
    private final List<Event> unseen = new ArrayList<>();
    private long revision = 10;

    Model(int maxKeys, Random random) {
      this.random = random;
      this.line = new KeyLine(maxKeys);
    }

    void run() {
      read();
      for (int step = 0; step < 200; step++) {
        switch (random.nextInt(10)) {
          case 0, 1, 2 -> put(random.nextInt(12));
          case 3, 4 -> delete(random.nextInt(12));
          case 5 -> join();
          case 6 -> leave();
          case 7 -> read();
          default -> see(random.nextInt(unseen.size() + 1));
        }
        check();
      }
      see(unseen.size());
      check();
      for (int key = 0; key < 12; key++) {
        delete(key);
      }
      see(unseen.size());
      check();
      assertEquals(Map.of(), waiting);
      assertFalse(line.hasWaiters());
    }

    private void put(int key) {
      revision++;
      var before = live.get(key);
      long created = before == null ? revision : before.getCreateRevision();
      live.put(key, record(key(key), created, revision));
      unseen.add(KeyLineTest.put(key, created, revision));
    }

    private void delete(int key) {
      if (live.remove(key) != null) {
        unseen.add(KeyLineTest.delete(key, ++revision));
        if (random.nextInt(3) == 0) {
          line.gone(key(key), revision);
        }
      }
    }

    private void join() {
      if (!live.isEmpty()) {
        var own = List.copyOf(live.values()).get(random.nextInt(live.size()));
        waiting.put(line.join(own.getKey(), own.getCreateRevision()), own.getCreateRevision());
      }
    }

    private void leave() {
      if (!waiting.isEmpty()) {
        var gone = List.copyOf(waiting.keySet()).get(random.nextInt(waiting.size()));
        assertTrue(line.leave(gone));
        assertFalse(line.leave(gone));
        waiting.remove(gone);
      }
    }

    /** Some of what is on its way is then in what was read. */
    private void read() {
      var records = new ArrayList<>(live.values());
      records.sort(Comparator.comparingLong(KeyValue::getCreateRevision));
      int held = Math.min(records.size(), line.maxKeys());
      line.read(records.subList(0, held), held < records.size(), revision);
    }

    private void see(int changes) {
      var seen = unseen.subList(0, changes);
      seen.forEach(line::change);
      seen.clear();
    }

    private void check() {
      if (line.isExhausted()) {
        read();
      }
      var passed = line.pass();
      for (var waiter : passed) {
        Long created = waiting.remove(waiter);
        assertNotNull(created, "passed twice, or after it left");
        assertTrue(
            live.values().stream().allMatch(record -> record.getCreateRevision() >= created),
            "passed before its turn");
      }
      if (unseen.isEmpty()) {
        for (var created : waiting.values()) {
          assertTrue(
              live.values().stream().anyMatch(record -> record.getCreateRevision() < created),
              "waits for nobody");
        }
      }
      assertEquals(!waiting.isEmpty(), line.hasWaiters());
    }
  }
}
