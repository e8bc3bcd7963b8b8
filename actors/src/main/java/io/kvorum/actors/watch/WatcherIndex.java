package io.kvorum.actors.watch;

import com.google.protobuf.ByteString;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** Who wants to know of a key: exact keys by hash, ranges by {@link IntervalTree}. One thread. */
final class WatcherIndex<T> {
  private final Map<ByteString, Set<T>> byKey = new HashMap<>();
  private final IntervalTree<T> ranges = new IntervalTree<>();
  private int size;

  void add(KeyInterval interval, T member) {
    size++;
    if (interval.isSingleKey()) {
      byKey.computeIfAbsent(interval.start(), _ -> LinkedHashSet.newLinkedHashSet(1)).add(member);
    } else {
      ranges.add(interval, member);
    }
  }

  /** Removes a member that was added with this interval. */
  void remove(KeyInterval interval, T member) {
    size--;
    if (interval.isSingleKey()) {
      byKey.computeIfPresent(
          interval.start(),
          (_, members) -> {
            members.remove(member);
            return members.isEmpty() ? null : members;
          });
    } else {
      ranges.remove(interval, member);
    }
  }

  boolean isEmpty() {
    return size == 0;
  }

  /** Must not change the index while it runs. */
  void forEachMatch(ByteString key, Consumer<? super T> action) {
    var members = byKey.get(key);
    if (members != null) {
      members.forEach(action);
    }
    ranges.forEachContaining(key, action);
  }
}
