package io.kvorum.actors.watch;

import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A set in no order, of members that know their own place in it: four bytes for each, added and
 * removed in constant time. A member is in one such set at a time. One thread only.
 */
final class Members<T extends Members.Placed> {

  /** Remembers its place for the set it is in, and does nothing else with it. */
  abstract static class Placed {
    int place;
  }

  private static final int FIRST_CAPACITY = 2;

  private @Nullable Placed[] members = new Placed[FIRST_CAPACITY];
  private int size;

  void add(T member) {
    if (size == members.length) {
      members = Arrays.copyOf(members, size + Math.max(1, size >> 1));
    }
    member.place = size;
    members[size++] = member;
  }

  void remove(T member) {
    int place = member.place;
    if (place >= size || members[place] != member) {
      throw new IllegalStateException(member + " is not a member");
    }
    var last = members[--size];
    members[size] = null;
    if (last != null && last != member) {
      members[place] = last;
      last.place = place;
    }
  }

  int size() {
    return size;
  }

  boolean isEmpty() {
    return size == 0;
  }

  /** The set must not change meanwhile. */
  @SuppressWarnings("unchecked")
  void forEach(Consumer<? super T> action) {
    for (int i = 0; i < size; i++) {
      var member = members[i];
      if (member != null) {
        action.accept((T) member);
      }
    }
  }
}
