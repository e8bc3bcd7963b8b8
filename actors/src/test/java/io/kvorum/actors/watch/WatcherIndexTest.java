package io.kvorum.actors.watch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.kvorum.persistence.mvcc.RevisionEvents;
import io.kvorum.protocol.mvccpb.Event;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The structures behind the hub: who matches a key, and the ring of newest revisions. */
class WatcherIndexTest {

  private static final class Member extends Members.Placed {
    final int number;
    final KeyInterval interval;

    Member(int number, KeyInterval interval) {
      this.number = number;
      this.interval = interval;
    }

    KeyInterval interval() {
      return interval;
    }

    @Override
    public String toString() {
      return number + " at " + interval;
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void findsWhatALinearScanFinds(long seed) {
    var random = new SplittableRandom(seed);
    var index = new WatcherIndex<Member>();
    var all = new ArrayList<Member>();
    for (int step = 0; step < 5_000; step++) {
      if (all.isEmpty() || random.nextInt(5) > 1) {
        var member = new Member(step, interval(random));
        all.add(member);
        index.add(member.interval(), member);
      } else {
        var gone = all.remove(random.nextInt(all.size()));
        index.remove(gone.interval(), gone);
      }
      var key = key(random);
      var expected = new HashSet<Member>();
      all.stream().filter(m -> m.interval().contains(key)).forEach(expected::add);
      Set<Member> found = new HashSet<>();
      index.forEachMatch(key, member -> assertTrue(found.add(member)));
      assertEquals(expected, found, "seed " + seed + " step " + step);
      assertEquals(all.isEmpty(), index.isEmpty());
    }
  }

  private static ByteString key(SplittableRandom random) {
    var bytes = new byte[1 + random.nextInt(2)];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (random.nextInt(6) * 50);
    }
    return ByteString.copyFrom(bytes);
  }

  private static KeyInterval interval(SplittableRandom random) {
    var start = key(random);
    return switch (random.nextInt(5)) {
      case 0 -> new KeyInterval(start, start);
      case 1 -> new KeyInterval(start, ByteString.EMPTY);
      default -> {
        var end = key(random);
        int order = KeyInterval.compare(start, end);
        yield order <= 0 ? new KeyInterval(start, end) : new KeyInterval(end, start);
      }
    };
  }

  @Test
  void keysAreComparedAsUnsignedBytes() {
    var order = ByteString.unsignedLexicographicalComparator();
    var random = new SplittableRandom(7);
    for (int i = 0; i < 10_000; i++) {
      var a = key(random);
      var b = key(random);
      assertEquals(Integer.signum(order.compare(a, b)), Integer.signum(KeyInterval.compare(a, b)));
    }
  }

  private static RevisionEntry entry(long revision, int valueBytes) {
    var kv = KeyValue.newBuilder().setValue(ByteString.copyFrom(new byte[valueBytes]));
    var event = Event.newBuilder().setKv(kv).build();
    return RevisionEntry.live(new RevisionEvents(revision, List.of(event)));
  }

  private static List<Long> revisions(List<RevisionEntry> entries) {
    return entries.stream().map(RevisionEntry::revision).toList();
  }

  @Test
  void theRingHoldsTheNewestWithinBothBounds() {
    var ring = new RevisionRing(4, 10_000, 9);
    assertNull(read(ring, 9, 100, 10, 10_000));
    assertNull(read(ring, 10, 100, 10, 10_000));
    for (int i = 10; i < 20; i++) {
      ring.append(entry(i, 10));
    }
    assertEquals(19, ring.newest());
    assertNull(read(ring, 15, 100, 10, 10_000));
    var all = read(ring, 16, 100, 10, 10_000);
    assertNotNull(all);
    assertEquals(List.of(16L, 17L, 18L, 19L), revisions(all));
    var bounded = read(ring, 16, 18, 2, 10_000);
    assertNotNull(bounded);
    assertEquals(List.of(16L, 17L), revisions(bounded));
    var small = read(ring, 17, 100, 10, 1);
    assertNotNull(small);
    assertEquals(List.of(17L), revisions(small));
    ring.append(entry(20, 9_990));
    assertNull(read(ring, 19, 100, 10, 10_000));
    assertNotNull(read(ring, 20, 100, 10, 10_000));
    ring.append(entry(21, 50_000));
    assertNull(read(ring, 20, 100, 10, 10_000));
    assertNotNull(read(ring, 21, 100, 10, 10_000));
    assertThrows(IllegalStateException.class, () -> ring.append(entry(23, 1)));
    ring.restart(40);
    assertEquals(40, ring.newest());
    assertNull(read(ring, 21, 100, 10, 10_000));
    ring.append(entry(41, 1));
    assertNotNull(read(ring, 41, 100, 10, 10_000));
  }

  private static @Nullable List<RevisionEntry> read(
      RevisionRing ring, long from, long to, int revisionsMax, long bytesMax) {
    return ring.read(from, to, revisionsMax, bytesMax);
  }
}
