package io.kvorum.actors.watch;

import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A stream's watchers by id: a hash table with linear probing, because a map of boxed numbers takes
 * ten times its memory, and a stream may have a hundred thousand of them. One thread.
 */
final class WatcherIds {
  private static final int FIRST_CAPACITY = 4;

  private @Nullable Watcher[] slots = new Watcher[FIRST_CAPACITY];
  private int size;

  int size() {
    return size;
  }

  boolean isEmpty() {
    return size == 0;
  }

  @Nullable Watcher get(long id) {
    return slots[slot(id)];
  }

  /** The id must be free. */
  void add(Watcher watcher) {
    if (2 * (size + 1) > slots.length) {
      grow();
    }
    int slot = slot(watcher.id());
    if (slots[slot] != null) {
      throw new IllegalStateException("watch id " + watcher.id() + " is taken");
    }
    slots[slot] = watcher;
    size++;
  }

  /** Returns the watcher that had the id, or null. */
  @Nullable Watcher remove(long id) {
    int hole = slot(id);
    var removed = slots[hole];
    if (removed == null) {
      return null;
    }
    slots[hole] = null;
    size--;
    // Those behind the hole that would not be found any more move into it (Knuth, 6.4, R).
    for (int at = next(hole); ; at = next(at)) {
      var moved = slots[at];
      if (moved == null) {
        return removed;
      }
      slots[at] = null;
      slots[slot(moved.id())] = moved;
    }
  }

  boolean all(Predicate<Watcher> condition) {
    for (var watcher : slots) {
      if (watcher != null && !condition.test(watcher)) {
        return false;
      }
    }
    return true;
  }

  /** The table must not change meanwhile. */
  void forEach(Consumer<Watcher> action) {
    for (var watcher : slots) {
      if (watcher != null) {
        action.accept(watcher);
      }
    }
  }

  void clear() {
    slots = new Watcher[FIRST_CAPACITY];
    size = 0;
  }

  private void grow() {
    var old = slots;
    slots = new Watcher[2 * old.length];
    for (var watcher : old) {
      if (watcher != null) {
        slots[slot(watcher.id())] = watcher;
      }
    }
  }

  /** Where the id is, or would be. */
  private int slot(long id) {
    int mask = slots.length - 1;
    int slot = (int) (id * 0x9E3779B97F4A7C15L >>> 33) & mask;
    for (var present = slots[slot]; present != null; present = slots[slot]) {
      if (present.id() == id) {
        return slot;
      }
      slot = slot + 1 & mask;
    }
    return slot;
  }

  private int next(int slot) {
    return slot + 1 & slots.length - 1;
  }
}
