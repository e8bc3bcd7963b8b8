package io.kvorum.actors.watch;

import com.google.protobuf.ByteString;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Half-open key ranges and who is interested in each: a treap (Seidel and Aragon, 1996) ordered by
 * start and end, in which each node knows the furthest end below it. Finding the m ranges around a
 * key takes O(m + log n). Equal ranges share a node, so that thousands of watchers of one prefix
 * cost one comparison. One thread only.
 */
final class IntervalTree<T extends Members.Placed> {
  private static final class Node<T extends Members.Placed> {
    final KeyInterval range;
    final int priority;
    final Members<T> members = new Members<>();
    ByteString furthestEnd;
    @Nullable Node<T> left;
    @Nullable Node<T> right;

    Node(KeyInterval range, int priority) {
      this.range = range;
      this.priority = priority;
      this.furthestEnd = range.end();
    }

    void update() {
      furthestEnd = range.end();
      if (left != null && KeyInterval.compareEnds(left.furthestEnd, furthestEnd) > 0) {
        furthestEnd = left.furthestEnd;
      }
      if (right != null && KeyInterval.compareEnds(right.furthestEnd, furthestEnd) > 0) {
        furthestEnd = right.furthestEnd;
      }
    }
  }

  /** Priorities only balance the tree: a fixed seed keeps its shape the same in every run. */
  private final SplittableRandom priorities = new SplittableRandom(1);

  private @Nullable Node<T> root;

  void add(KeyInterval range, T member) {
    root = add(root, range, member);
  }

  void remove(KeyInterval range, T member) {
    root = remove(root, range, member);
  }

  void forEachContaining(ByteString key, Consumer<? super T> action) {
    visit(root, key, action);
  }

  void forEach(Consumer<? super T> action) {
    visitAll(root, action);
  }

  private Node<T> add(@Nullable Node<T> node, KeyInterval range, T member) {
    if (node == null) {
      var leaf = new Node<T>(range, priorities.nextInt());
      leaf.members.add(member);
      return leaf;
    }
    int order = compare(range, node.range);
    if (order == 0) {
      node.members.add(member);
      return node;
    }
    if (order < 0) {
      var left = add(node.left, range, member);
      node.left = left;
      if (left.priority > node.priority) {
        node.left = left.right;
        left.right = node;
        node.update();
        left.update();
        return left;
      }
    } else {
      var right = add(node.right, range, member);
      node.right = right;
      if (right.priority > node.priority) {
        node.right = right.left;
        right.left = node;
        node.update();
        right.update();
        return right;
      }
    }
    node.update();
    return node;
  }

  private @Nullable Node<T> remove(@Nullable Node<T> node, KeyInterval range, T member) {
    if (node == null) {
      return null;
    }
    int order = compare(range, node.range);
    if (order < 0) {
      node.left = remove(node.left, range, member);
    } else if (order > 0) {
      node.right = remove(node.right, range, member);
    } else {
      node.members.remove(member);
      if (node.members.isEmpty()) {
        return join(node.left, node.right);
      }
    }
    node.update();
    return node;
  }

  /** One tree of two, of which all of the first comes before all of the second. */
  private @Nullable Node<T> join(@Nullable Node<T> before, @Nullable Node<T> after) {
    if (before == null) {
      return after;
    }
    if (after == null) {
      return before;
    }
    if (before.priority > after.priority) {
      before.right = join(before.right, after);
      before.update();
      return before;
    }
    after.left = join(before, after.left);
    after.update();
    return after;
  }

  private void visit(@Nullable Node<T> node, ByteString key, Consumer<? super T> action) {
    var current = node;
    while (current != null && KeyInterval.isBefore(key, current.furthestEnd)) {
      visit(current.left, key, action);
      if (KeyInterval.compare(current.range.start(), key) > 0) {
        return;
      }
      if (KeyInterval.isBefore(key, current.range.end())) {
        current.members.forEach(action);
      }
      current = current.right;
    }
  }

  private void visitAll(@Nullable Node<T> node, Consumer<? super T> action) {
    if (node != null) {
      visitAll(node.left, action);
      node.members.forEach(action);
      visitAll(node.right, action);
    }
  }

  private static int compare(KeyInterval a, KeyInterval b) {
    int order = KeyInterval.compare(a.start(), b.start());
    return order != 0 ? order : KeyInterval.compareEnds(a.end(), b.end());
  }
}
