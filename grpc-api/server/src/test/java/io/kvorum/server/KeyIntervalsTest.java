package io.kvorum.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class KeyIntervalsTest {
  private record Interval(ByteString begin, ByteString end) {
    boolean contains(ByteString key) {
      var order = ByteString.unsignedLexicographicalComparator();
      return end.isEmpty()
          ? key.equals(begin)
          : order.compare(begin, key) <= 0 && order.compare(key, end) < 0;
    }
  }

  /** Replay one failure with {@code -Dkvorum.seed=N}. */
  @Test
  void agreesWithAListOfIntervals() {
    long seed = Long.getLong("kvorum.seed", System.nanoTime());
    Random random = new Random(seed);
    for (int round = 0; round < 2_000; round++) {
      KeyIntervals set = new KeyIntervals();
      KeyIntervals other = new KeyIntervals();
      List<Interval> model = new ArrayList<>();
      int n = random.nextInt(8);
      for (int i = 0; i < n; i++) {
        Interval interval =
            new Interval(key(random), random.nextInt(3) == 0 ? ByteString.EMPTY : key(random));
        model.add(interval);
        (random.nextBoolean() ? set : other).add(interval.begin(), interval.end());
      }
      set.addAll(other);
      for (int i = 0; i < 20; i++) {
        ByteString key = key(random);
        assertEquals(
            model.stream().anyMatch(interval -> interval.contains(key)),
            set.contains(key),
            () -> model + " and " + key + ": -Dkvorum.seed=" + seed);
      }
    }
  }

  /** One or two bytes of few values, the extremes of unsigned order among them. */
  private static ByteString key(Random random) {
    byte[] alphabet = {0, 1, 'a', 'b', 'c', (byte) 0x80, (byte) 0xff};
    byte[] key = new byte[1 + random.nextInt(2)];
    for (int i = 0; i < key.length; i++) {
      key[i] = alphabet[random.nextInt(alphabet.length)];
    }
    return ByteString.copyFrom(key);
  }
}
