package io.kvorum.verification.history;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Looks for an order of a history's operations that a store could have carried out, in which each
 * takes effect between its call and its answer (Wing and Gong 1993, with Lowe's memory of what was
 * tried, 2017). An operation without an answer may take effect at any time after its call; that it
 * never did is the same as at the very end.
 *
 * <p>Revisions leave little to search. Of the answered operations that may come next only the one
 * with the smallest revision can, as any other would leave it behind. An unanswered operation that
 * nobody notices may come last; if what it wrote was read, its revision is known; otherwise it may
 * wait until just before the operation that notices it. So unanswered ones are tried only where the
 * answered one does not fit, and those over several keys also before an operation that would change
 * what they do. And no more of them than there are revisions that belong to nobody else.
 */
public final class Linearizability {
  /** Steps after which a search is given up, per partition. */
  public static final int MAX_STEPS = 4_000_000;

  private Linearizability() {}

  /** Checks each partition of the keys; a wrong one is cut down to its first wrong answer. */
  public static Verdict check(History history) {
    long[] told = toldRevisions(history);
    for (History part : history.partitions()) {
      Search search = new Search(part, told);
      switch (search.run()) {
        case FOUND -> {}
        case NONE -> {
          return new Verdict.Wrong(explain(history, part));
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

  /** The revisions of all writes whose callers were told, in order. */
  private static long[] toldRevisions(History history) {
    return history.operations().stream()
        .filter(Operation::wrote)
        .map(Operation::response)
        .filter(Objects::nonNull)
        .mapToLong(Response::revision)
        .distinct()
        .sorted()
        .toArray();
  }

  /** Finds the shortest prefix without a linearization, and says where the search got stuck. */
  private static String explain(History history, History part) {
    Set<String> keys = new HashSet<>();
    part.operations().forEach(o -> keys.addAll(o.request().keys()));
    int fits = 0;
    int fails = history.answered();
    while (fails - fits > 1) {
      int middle = (fits + fails) >>> 1;
      if (search(history.until(middle), keys).run() == Result.NONE) {
        fails = middle;
      } else {
        fits = middle;
      }
    }
    Search search = search(history.until(fails), keys);
    search.run();
    return Explanation.of(search.operations(), search.longest(), search.longestState());
  }

  private static Search search(History prefix, Set<String> keys) {
    List<Operation> part =
        prefix.operations().stream()
            .filter(o -> !Collections.disjoint(o.request().keys(), keys))
            .toList();
    return new Search(new History(part), toldRevisions(prefix));
  }

  private enum Result {
    FOUND,
    NONE,
    GIVEN_UP
  }

  /** Where a search stands: what it chose last and what it may choose instead. */
  private static final class Frame {
    final List<Choice> choices;
    final Chain chain;
    int next;

    Frame(List<Choice> choices, Chain chain) {
      this.chain = chain;
      this.choices = choices;
    }
  }

  /** The unanswered operations chosen since the last answered one: their keys, and the last. */
  private record Chain(Set<String> keys, int last) {
    static final Chain NONE = new Chain(Set.of(), -1);

    Chain and(int place, Operation operation) {
      Set<String> all = new HashSet<>(keys);
      all.addAll(operation.request().keys());
      return new Chain(all, place);
    }

    /**
     * Whether an operation may come next: one that does not depend on those chosen, in order of
     * place, as any order of these is as good; or one whose compares may notice one of them.
     */
    boolean admits(int place, Operation operation) {
      if (Collections.disjoint(keys, operation.request().keys())) {
        return place > last;
      }
      return operation.request() instanceof Request.Txn txn
          && txn.compares().stream().anyMatch(c -> keys.contains(c.key()));
    }
  }

  private record Choice(int operation, StoreModel.State state) {}

  private record Visited(BitSet answered, StoreModel.State state) {}

  private static final class Search {
    /** Answered operations by time of call, then the unanswered that may write. */
    private final Operation[] operations;

    private final int answered;
    private final long[] told;

    /** Of each unanswered operation, as far as a read gives it away; otherwise 0. */
    private final long[] seenRevisions;

    private final BitSet done = new BitSet();

    /**
     * What was tried from where: for each set of answered operations and state, the sets of
     * unanswered ones spent. One that spent a subset could do all that this one can.
     */
    private final Map<Visited, List<BitSet>> visited = new HashMap<>();

    private final List<Integer> order = new ArrayList<>();
    private List<Integer> longest = List.of();
    private StoreModel.State longestState = StoreModel.State.EMPTY;

    /**
     * @param told revisions of all writes of the whole history whose callers were told
     */
    Search(History history, long[] told) {
      this.told = told;
      List<Operation> all =
          new ArrayList<>(history.operations().stream().filter(o -> !o.isPending()).toList());
      answered = all.size();
      history.operations().stream()
          .filter(o -> o.isPending() && o.request().mayWrite())
          .forEach(all::add);
      operations = all.toArray(Operation[]::new);
      seenRevisions = new SeenRevisions(history, told).of(all.subList(answered, all.size()));
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
      stack.add(new Frame(choices(StoreModel.State.EMPTY, Chain.NONE), Chain.NONE));
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
          Chain chain =
              hasRevision(choice.operation())
                  ? Chain.NONE
                  : frame.chain.and(choice.operation(), operations[choice.operation()]);
          stack.add(new Frame(choices(choice.state(), chain), chain));
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
     * @param chain the unanswered operations chosen just before
     */
    private List<Choice> choices(StoreModel.State state, Chain chain) {
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
      if (next < 0) {
        return List.of();
      }
      int seen = seenBefore(state, operations[next]);
      int dueAt = seen < 0 ? next : seen;
      Operation due = operations[dueAt];
      if (due.invokedAt() > end) {
        return List.of();
      }
      List<Choice> choices = new ArrayList<>();
      for (StoreModel.State after : carryOut(state, dueAt)) {
        choices.add(new Choice(dueAt, after));
      }
      int spent = done.cardinality() - done.get(0, answered).cardinality();
      if (spent >= freeRevisions(operations[next])) {
        return choices;
      }
      boolean fits = !choices.isEmpty();
      List<Choice> farther = new ArrayList<>();
      for (int i = done.nextClearBit(answered);
          i < operations.length;
          i = done.nextClearBit(i + 1)) {
        Operation open = operations[i];
        boolean useful = fits ? mayHaveToPrecede(open, due) : chain.admits(i, open);
        if (useful && open.invokedAt() <= end && seenRevisions[i - answered] == 0) {
          for (StoreModel.State after : StoreModel.step(state, open)) {
            if (!after.equals(state)) {
              boolean leadsOn = fits || !carryOut(after, dueAt).isEmpty();
              (leadsOn ? choices : farther).add(new Choice(i, after));
            }
          }
        }
      }
      choices.addAll(farther);
      return choices;
    }

    private boolean hasRevision(int place) {
      return place < answered || seenRevisions[place - answered] > 0;
    }

    /** One whose revision was seen has written something at it. */
    private List<StoreModel.State> carryOut(StoreModel.State state, int place) {
      if (place < answered) {
        return StoreModel.step(state, operations[place]);
      }
      long revision = seenRevisions[place - answered];
      return StoreModel.step(state, operations[place], revision).stream()
          .filter(s -> s.cells().values().stream().anyMatch(v -> v.modRevision() == revision))
          .toList();
    }

    /** The first of the unanswered operations whose revision was seen and comes now; or -1. */
    private int seenBefore(StoreModel.State state, Operation due) {
      Response response = due.response();
      long end = response == null ? 0 : response.revision();
      int first = -1;
      long revision = Long.MAX_VALUE;
      for (int i = done.nextClearBit(answered);
          i < operations.length;
          i = done.nextClearBit(i + 1)) {
        long seen = seenRevisions[i - answered];
        if (seen > state.revision() && seen <= end && seen < revision) {
          first = i;
          revision = seen;
        }
      }
      return first;
    }

    /**
     * How many writes that nobody was told of may lie before an operation: each write has a
     * revision of its own, so that is how many are left over.
     */
    private long freeRevisions(Operation before) {
      Response response = before.response();
      long revision = response == null ? 0 : response.revision();
      return revision - countUpTo(revision);
    }

    private int countUpTo(long revision) {
      int place = Arrays.binarySearch(told, revision);
      return place < 0 ? -place - 1 : place + 1;
    }

    private static boolean mayHaveToPrecede(Operation open, Operation due) {
      return (due.wrote() || due.isPending())
          && open.request().keys().size() > 1
          && !Collections.disjoint(open.request().keys(), due.request().keys());
    }

    /** A write before the reads that saw it. */
    private static long order(Operation operation) {
      Response response = operation.response();
      long revision = response == null ? Long.MAX_VALUE >> 1 : response.revision();
      return 2 * revision + (operation.wrote() ? 0 : 1);
    }
  }
}
