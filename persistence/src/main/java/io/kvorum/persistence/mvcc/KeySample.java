package io.kvorum.persistence.mvcc;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A sample of the rows that were removed, spread evenly over all of them: borders at which a large
 * range falls into pieces, so that nothing has to wait for the whole.
 */
final class KeySample {

  private static final int MAX_KEYS = 64;

  private final List<byte[]> keys = new ArrayList<>();
  private long stride = 1;
  private long seen;

  void add(byte[] key) {
    if (seen++ % stride != 0) {
      return;
    }
    keys.add(key);
    if (keys.size() == MAX_KEYS) {
      for (int i = 0; i < MAX_KEYS / 2; i++) {
        keys.set(i, keys.get(2 * i));
      }
      keys.subList(MAX_KEYS / 2, MAX_KEYS).clear();
      stride *= 2;
    }
  }

  List<byte[]> sorted() {
    List<byte[]> sorted = new ArrayList<>(keys);
    sorted.sort(Arrays::compareUnsigned);
    return sorted;
  }

  void clear() {
    keys.clear();
    stride = 1;
    seen = 0;
  }
}
