package io.kvorum.persistence.bbolt;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/**
 * A walk over a bucket in the order of its keys. It holds one page of each level, and checks that
 * the keys ascend and lie where the branches above say.
 */
public final class BoltCursor {

  /** With two keys to a page this is more than any file can hold: pages that name each other. */
  private static final int MAX_LEVELS = 64;

  private static final class Level {
    private final BoltPage page;
    private int index = -1;

    private Level(BoltPage page) {
      this.page = page;
    }
  }

  private final BoltBucket bucket;
  private final BoltFile file;
  private final Deque<Level> levels = new ArrayDeque<>();
  private boolean started;
  private boolean anyKey;
  private byte[] key = new byte[0];

  /** No key that comes may be smaller: the newest key of a branch that was passed. */
  private byte[] least = new byte[0];

  BoltCursor(BoltBucket bucket) {
    this.bucket = bucket;
    this.file = bucket.file();
  }

  /**
   * Moves to the next key; false behind the last.
   *
   * @throws BoltException if the file is damaged
   */
  public boolean advance() {
    if (!started) {
      started = true;
      levels.push(new Level(bucket.rootPage()));
    }
    while (!levels.isEmpty()) {
      Level level = levels.element();
      if (++level.index == level.page.count()) {
        levels.pop();
      } else if (level.page.isBranch()) {
        descend(level);
      } else {
        step(level);
        return true;
      }
    }
    return false;
  }

  private void descend(Level from) {
    byte[] first = from.page.key(from.index);
    if (Arrays.compareUnsigned(first, least) < 0
        || (anyKey && Arrays.compareUnsigned(first, key) <= 0)) {
      throw outOfOrder(from.page);
    }
    least = first;
    if (levels.size() == MAX_LEVELS) {
      throw BoltException.ofPage(
          file.path(), from.page.id(), "stands below " + MAX_LEVELS + " others");
    }
    levels.push(new Level(file.page(from.page.child(from.index), from.page.id())));
  }

  private void step(Level leaf) {
    byte[] next = leaf.page.key(leaf.index);
    if (Arrays.compareUnsigned(next, least) < 0
        || (anyKey && Arrays.compareUnsigned(next, key) <= 0)) {
      throw outOfOrder(leaf.page);
    }
    key = next;
    anyKey = true;
  }

  private BoltException outOfOrder(BoltPage page) {
    return BoltException.ofPage(file.path(), page.id(), "has keys out of their order");
  }

  public byte[] key() {
    return key;
  }

  /** Whether a bucket stands here, and no value. */
  public boolean isBucket() {
    Level leaf = levels.element();
    return leaf.page.isBucket(leaf.index);
  }

  public byte[] value() {
    Level leaf = levels.element();
    return leaf.page.value(leaf.index);
  }

  public BoltBucket bucket() {
    return BoltBucket.of(file, levels.element().page.id(), value());
  }
}
