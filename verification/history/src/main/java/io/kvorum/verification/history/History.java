package io.kvorum.verification.history;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What all clients of one store did. */
public record History(List<Operation> operations) {

  /** Puts the operations into the order of their calls. */
  public History {
    operations =
        operations.stream().sorted(Comparator.comparingLong(Operation::invokedAt)).toList();
  }

  public int answered() {
    return (int) operations.stream().filter(o -> !o.isPending()).count();
  }

  /**
   * The history as it stood when {@code answers} operations had been answered: those answered later
   * are pending, those called later are absent. If it has no linearization, neither has the whole.
   */
  public History until(int answers) {
    List<Long> returns =
        operations.stream().map(Operation::returnedAt).filter(t -> t != Operation.NEVER).toList();
    if (answers >= returns.size()) {
      return this;
    }
    long end = answers == 0 ? Long.MIN_VALUE : returns.stream().sorted().toList().get(answers - 1);
    return new History(
        operations.stream()
            .filter(o -> o.invokedAt() <= end)
            .map(o -> o.returnedAt() <= end ? o : o.unanswered())
            .toList());
  }

  /**
   * Splits it so that no two parts share a key; then it is linearizable if each part is (Herlihy
   * and Wing, locality).
   */
  List<History> partitions() {
    Map<String, String> parent = new HashMap<>();
    for (Operation operation : operations) {
      String first = null;
      for (String key : operation.request().keys()) {
        parent.putIfAbsent(key, key);
        if (first != null) {
          parent.put(root(parent, key), root(parent, first));
        }
        first = key;
      }
    }
    Map<String, List<Operation>> parts = new HashMap<>();
    for (Operation operation : operations) {
      String key = operation.request().keys().iterator().next();
      parts.computeIfAbsent(root(parent, key), k -> new ArrayList<>()).add(operation);
    }
    return parts.entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .map(e -> new History(e.getValue()))
        .toList();
  }

  private static String root(Map<String, String> parent, String key) {
    String at = key;
    String above = parent.getOrDefault(at, at);
    while (!above.equals(at)) {
      at = above;
      above = parent.getOrDefault(at, at);
    }
    return at;
  }
}
