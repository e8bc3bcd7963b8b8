package io.kvorum.verification.history;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Looks for an order of a history's operations that a store could have carried out, in which each
 * takes effect between its call and its answer (Wing and Gong 1993, with Lowe's memory of what was
 * tried, 2017). An operation without an answer may take effect at any time after its call; that it
 * never did is the same as at the very end.
 *
 * <p>Revisions leave little to search. Of the answered operations that may come next only the one
 * with the smallest revision can, as any other would leave it behind. An unanswered operation that
 * nobody notices may come last; one that is noticed may wait until just before the operation that
 * notices it. So unanswered ones are tried only where the answered one does not fit, and those over
 * several keys also before an operation that would change what they do.
 */
public final class Linearizability {
  /** Steps after which a search is given up, per partition. */
  public static final int MAX_STEPS = 4_000_000;

  private Linearizability() {}

  /** Checks each partition of the keys; a wrong one is cut down to its first wrong answer. */
  public static Verdict check(History history) {
    for (History part : history.partitions()) {
      Search search = new Search(part);
      switch (search.run()) {
        case FOUND -> {}
        case NONE -> {
          return new Verdict.Wrong(explain(part));
        }
        case GIVEN_UP -> {
          return new Verdict.Undecided(
              "gave up after "
                  + MAX_STEPS
                  + " steps on "
                  + part.operations().size()
                  + " operations");
        }
      }
    }
    return new Verdict.Correct(history.operations().size());
  }

  /** Finds the shortest prefix without a linearization, and says where the search got stuck. */
  private static String explain(History part) {
    int fits = 0;
    int fails = part.answered();
    while (fails - fits > 1) {
      int middle = (fits + fails) >>> 1;
      if (new Search(part.until(middle)).run() == Result.NONE) {
        fails = middle;
      } else {
        fits = middle;
      }
    }
    Search search = new Search(part.until(fails));
    search.run();
    return Explanation.of(search.operations(), search.longest(), search.longestState());
  }

  private enum Result {
    FOUND,
    NONE,
    GIVEN_UP
  }

  /** Where a search stands: what it chose last and what it may choose instead. */
  private static final class Frame {
    final List<Choice> choices;
    int next;

    Frame(List<Choice> choices) {
      this.choices = choices;
    }
  }

  private record Choice(int operation, StoreModel.State state) {}

  private record Visited(BitSet answered, StoreModel.State state) {}

  private static final class Search {
    /** Answered operations by time of call, then the unanswered that may write. */
    private final Operation[] operations;

    private final int answered;
    private final BitSet done = new BitSet();

    /**
     * What was tried from where: for each set of answered operations and state, the sets of
     * unanswered ones spent. One that spent a subset could do all that this one can.
     */
    private final Map<Visited, List<BitSet>> visited = new HashMap<>();

    private final List<Integer> order = new ArrayList<>();
    private List<Integer> longest = List.of();
    private StoreModel.State longestState = StoreModel.State.EMPTY;

    Search(History history) {
      List<Operation> all =
          new ArrayList<>(history.operations().stream().filter(o -> !o.isPending()).toList());
      answered = all.size();
      history.operations().stream()
          .filter(o -> o.isPending() && o.request().mayWrite())
          .forEach(all::add);
      operations = all.toArray(Operation[]::new);
    }

    List<Operation> operations() {
      return List.of(operations);
    }

    /** The longest order found, as places in {@link #operations}. */
    List<Integer> longest() {
      return longest;
    }

    StoreModel.State longestState() {
      return longestState;
    }

    Result run() {
      List<Frame> stack = new ArrayList<>();
      stack.add(new Frame(choices(StoreModel.State.EMPTY, null)));
      int steps = 0;
      while (!stack.isEmpty()) {
        if (done.cardinality() >= answered && done.nextClearBit(0) >= answered) {
          return Result.FOUND;
        }
        Frame frame = stack.getLast();
        if (frame.next == frame.choices.size()) {
          stack.removeLast();
          if (!order.isEmpty()) {
            done.clear(order.removeLast());
          }
          continue;
        }
        if (++steps > MAX_STEPS) {
          return Result.GIVEN_UP;
        }
        Choice choice = frame.choices.get(frame.next++);
        done.set(choice.operation());
        if (isNew(choice.state())) {
          order.add(choice.operation());
          remember(choice.state());
          Operation chosen = operations[choice.operation()];
          stack.add(new Frame(choices(choice.state(), chosen.isPending() ? chosen : null)));
        } else {
          done.clear(choice.operation());
        }
      }
      return Result.NONE;
    }

    private void remember(StoreModel.State state) {
      if (order.size() > longest.size()) {
        longest = List.copyOf(order);
        longestState = state;
      }
    }

    private boolean isNew(StoreModel.State state) {
      BitSet spent = done.get(answered, operations.length);
      List<BitSet> before =
          visited.computeIfAbsent(
              new Visited(done.get(0, answered), state), v -> new ArrayList<>(1));
      for (BitSet other : before) {
        BitSet more = (BitSet) other.clone();
        more.andNot(spent);
        if (more.isEmpty()) {
          return false;
        }
      }
      before.add(spent);
      return true;
    }

    /**
     * What may come next.
     *
     * @param last the unanswered operation chosen just before, or null
     */
    private List<Choice> choices(StoreModel.State state, @Nullable Operation last) {
      long end = Operation.NEVER;
      int next = -1;
      for (int i = done.nextClearBit(0); i < answered; i = done.nextClearBit(i + 1)) {
        if (operations[i].invokedAt() > end) {
          break;
        }
        end = Math.min(end, operations[i].returnedAt());
        if (next < 0 || order(operations[i]) < order(operations[next])) {
          next = i;
        }
      }
      if (next < 0 || operations[next].invokedAt() > end) {
        return List.of();
      }
      List<Choice> choices = new ArrayList<>();
      Operation due = operations[next];
      for (StoreModel.State after : StoreModel.step(state, due)) {
        choices.add(new Choice(next, after));
      }
      boolean fits = !choices.isEmpty();
      for (int i = done.nextClearBit(answered);
          i < operations.length;
          i = done.nextClearBit(i + 1)) {
        Operation open = operations[i];
        boolean useful = fits ? mayHaveToPrecede(open, due) : last == null || notices(open, last);
        if (open.invokedAt() <= end && useful) {
          for (StoreModel.State after : StoreModel.step(state, open)) {
            if (!after.equals(state)) {
              choices.add(new Choice(i, after));
            }
          }
        }
      }
      return choices;
    }

    private static boolean mayHaveToPrecede(Operation open, Operation due) {
      return due.wrote()
          && open.request().keys().size() > 1
          && !Collections.disjoint(open.request().keys(), due.request().keys());
    }

    /** Whether what an operation does may depend on the one before it. */
    private static boolean notices(Operation operation, Operation before) {
      return operation.request() instanceof Request.Txn txn
          && txn.compares().stream().anyMatch(c -> before.request().keys().contains(c.key()));
    }

    /** A write before the reads that saw it. */
    private static long order(Operation operation) {
      Response response = operation.response();
      long revision = response == null ? Long.MAX_VALUE >> 1 : response.revision();
      return 2 * revision + (operation.wrote() ? 0 : 1);
    }
  }
}
