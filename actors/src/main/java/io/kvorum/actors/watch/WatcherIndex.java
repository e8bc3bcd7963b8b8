package io.kvorum.actors.watch;

import com.google.protobuf.ByteString;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Who wants to know of a key: exact keys by hash, ranges by {@link IntervalTree}. A key that one
 * member alone asks for, the usual case, takes no set. One thread.
 */
final class WatcherIndex<T extends Members.Placed> {
  /** A member, or {@link Members} of several. */
  private final Map<ByteString, Object> byKey = new HashMap<>();

  private final IntervalTree<T> ranges = new IntervalTree<>();
  private int size;

  @SuppressWarnings("unchecked")
  void add(KeyInterval interval, T member) {
    size++;
    if (interval.isSingleKey()) {
      byKey.merge(
          interval.start(),
          member,
          (present, added) -> {
            if (present instanceof Members<?> members) {
              ((Members<T>) members).add((T) added);
              return members;
            }
            var members = new Members<T>();
            members.add((T) present);
            members.add((T) added);
            return members;
          });
    } else {
      ranges.add(interval, member);
    }
  }

  /** Removes a member that was added with this interval. */
  @SuppressWarnings("unchecked")
  void remove(KeyInterval interval, T member) {
    size--;
    if (!interval.isSingleKey()) {
      ranges.remove(interval, member);
      return;
    }
    var present = byKey.get(interval.start());
    if (present instanceof Members<?> members) {
      ((Members<T>) members).remove(member);
      if (members.isEmpty()) {
        byKey.remove(interval.start());
      }
    } else if (present == member) {
      byKey.remove(interval.start());
    } else {
      throw new IllegalStateException("nobody to remove at " + interval.start());
    }
  }

  boolean isEmpty() {
    return size == 0;
  }

  int size() {
    return size;
  }

  /** Must not change the index while it runs. */
  void forEachMatch(ByteString key, Consumer<? super T> action) {
    var present = byKey.get(key);
    if (present != null) {
      forEach(present, action);
    }
    ranges.forEachContaining(key, action);
  }

  /** Must not change the index while it runs. */
  void forEach(Consumer<? super T> action) {
    byKey.values().forEach(present -> forEach(present, action));
    ranges.forEach(action);
  }

  @SuppressWarnings("unchecked")
  private void forEach(Object present, Consumer<? super T> action) {
    if (present instanceof Members<?> members) {
      ((Members<T>) members).forEach(action);
    } else {
      action.accept((T) present);
    }
  }
}
