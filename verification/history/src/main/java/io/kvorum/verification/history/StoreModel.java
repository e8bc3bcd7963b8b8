package io.kvorum.verification.history;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A store of a few keys as a state that operations lead to other states. Where the outcome of an
 * operation is not known its revision is not either, until somebody reads it; so a step may lead to
 * several states.
 */
final class StoreModel {
  private StoreModel() {}

  /**
   * @param cells of the keys that exist; a negative mod revision stands for one that nobody was
   *     told, greater than its complement
   * @param revision the newest revision that an operation so far has shown
   */
  record State(Map<String, Response.Version> cells, long revision) {
    static final State EMPTY = new State(Map.of(), 0);

    Response.@Nullable Version cell(String key) {
      return cells.get(key);
    }

    State with(String key, Response.@Nullable Version version) {
      Map<String, Response.Version> next = new TreeMap<>(cells);
      if (version == null) {
        next.remove(key);
      } else {
        next.put(key, version);
      }
      return new State(next, revision);
    }

    State at(long newRevision) {
      return new State(cells, newRevision);
    }

    @Override
    public String toString() {
      return cells.isEmpty()
          ? "no key"
          : new TreeMap<>(cells).toString().replaceAll("@-\\d+", "@?");
    }
  }

  /** The states that an operation may lead to; none if it cannot come next. */
  static List<State> step(State state, Operation operation) {
    Response response = operation.response();
    if (response == null) {
      return withoutAnswer(state, operation.request(), 0);
    }
    boolean inOrder =
        operation.wrote()
            ? response.revision() > state.revision()
            : response.revision() >= state.revision();
    if (!inOrder) {
      return List.of();
    }
    State next =
        switch (operation.request()) {
          case Request.Single single -> answered(state, single, response, response.revision());
          case Request.Txn txn ->
              response instanceof Response.TxnDone done ? answered(state, txn, done) : null;
        };
    return next == null ? List.of() : List.of(next.at(response.revision()));
  }

  private static @Nullable State answered(
      State state, Request.Single request, Response response, long revision) {
    Response.Version cell = state.cell(request.key());
    return switch (request) {
      case Request.Get get ->
          response instanceof Response.Got got
              ? read(state, get.key(), got.version(), revision)
              : null;
      case Request.Put put ->
          response instanceof Response.Written
              ? state.with(put.key(), new Response.Version(put.value(), revision))
              : null;
      case Request.Delete delete -> {
        boolean fits =
            response instanceof Response.Deleted deleted
                && deleted.count() == (cell == null ? 0 : 1);
        yield fits ? state.with(delete.key(), null) : null;
      }
    };
  }

  private static @Nullable State read(
      State state, String key, Response.@Nullable Version seen, long revision) {
    Response.Version cell = state.cell(key);
    if (cell == null || seen == null) {
      return cell == null && seen == null ? state : null;
    }
    if (!cell.value().equals(seen.value()) || seen.modRevision() > revision) {
      return null;
    }
    if (cell.modRevision() < 0) {
      return seen.modRevision() > ~cell.modRevision() ? state.with(key, seen) : null;
    }
    return cell.modRevision() == seen.modRevision() ? state : null;
  }

  private static @Nullable State answered(State state, Request.Txn txn, Response.TxnDone done) {
    State next = compared(state, txn.compares(), done.succeeded());
    List<Request.Single> branch = done.succeeded() ? txn.success() : txn.failure();
    if (branch.size() != done.responses().size()) {
      return null;
    }
    for (int i = 0; i < branch.size() && next != null; i++) {
      next = answered(next, branch.get(i), done.responses().get(i), done.revision());
    }
    return next;
  }

  /**
   * The state in which the compares come out like this. A revision that was not known is known if
   * all compares held.
   */
  private static @Nullable State compared(
      State state, List<Request.Compare> compares, boolean succeeded) {
    State next = state;
    boolean open = false;
    for (Request.Compare compare : compares) {
      Boolean holds = holds(state, compare);
      if (Boolean.FALSE.equals(holds)) {
        return succeeded ? null : state;
      }
      if (holds == null) {
        open = true;
        next = bind(next, compare);
      }
    }
    if (succeeded) {
      return next;
    }
    return open ? state : null;
  }

  private static State bind(State state, Request.Compare compare) {
    Response.Version cell = state.cell(compare.key());
    if (cell == null || !(compare instanceof Request.Compare.ModRevisionIs mod)) {
      throw new IllegalStateException("nothing open in " + compare + " at " + state);
    }
    return state.with(compare.key(), new Response.Version(cell.value(), mod.revision()));
  }

  /** Null if that depends on a revision that is not known. */
  private static @Nullable Boolean holds(State state, Request.Compare compare) {
    Response.Version cell = state.cell(compare.key());
    return switch (compare) {
      case Request.Compare.ValueIs is -> cell != null && cell.value().equals(is.value());
      case Request.Compare.ModRevisionIs is -> {
        if (cell == null) {
          yield is.revision() == 0;
        }
        if (cell.modRevision() < 0) {
          yield is.revision() > ~cell.modRevision() ? null : Boolean.FALSE;
        }
        yield cell.modRevision() == is.revision();
      }
    };
  }

  /**
   * As {@link #step}, of an operation that nobody was told of, but whose revision somebody has
   * seen.
   */
  static List<State> step(State state, Operation operation, long revision) {
    return revision <= state.revision()
        ? List.of()
        : withoutAnswer(state, operation.request(), revision).stream()
            .map(s -> s.at(revision))
            .toList();
  }

  /**
   * @param revision 0 if it is not known
   */
  private static List<State> withoutAnswer(State state, Request request, long revision) {
    return switch (request) {
      case Request.Single single -> List.of(carryOut(state, single, revision));
      case Request.Txn txn -> {
        List<State> next = new ArrayList<>(2);
        State succeeded = compared(state, txn.compares(), true);
        if (succeeded != null) {
          next.add(carryOut(succeeded, txn.success(), revision));
        }
        State failed = compared(state, txn.compares(), false);
        if (failed != null) {
          next.add(carryOut(failed, txn.failure(), revision));
        }
        yield next;
      }
    };
  }

  private static State carryOut(State state, List<Request.Single> branch, long revision) {
    State next = state;
    for (Request.Single single : branch) {
      next = carryOut(next, single, revision);
    }
    return next;
  }

  private static State carryOut(State state, Request.Single request, long revision) {
    return switch (request) {
      case Request.Get get -> state;
      case Request.Put put -> {
        long mod = revision > 0 ? revision : untold(state.cell(put.key()));
        yield state.with(put.key(), new Response.Version(put.value(), mod));
      }
      case Request.Delete delete -> state.with(delete.key(), null);
    };
  }

  /** Stands for a revision of which only the one that it replaced may be known. */
  private static long untold(Response.@Nullable Version replaced) {
    if (replaced == null) {
      return ~0L;
    }
    return replaced.modRevision() < 0 ? replaced.modRevision() : ~replaced.modRevision();
  }
}
