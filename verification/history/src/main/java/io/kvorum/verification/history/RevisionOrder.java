package io.kvorum.verification.history;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The check that etcd's revisions make cheap: they are the order of all writes, so nothing has to
 * be searched. Looks at all keys together, in time n log n.
 *
 * <ul>
 *   <li>No two writes have the same revision.
 *   <li>Revisions never go back in real time: who was called after another's answer saw at least
 *       its revision, and a write a greater one.
 *   <li>A read at revision R sees of each key the newest write not above R.
 * </ul>
 */
public final class RevisionOrder {
  /** What a revision did to a key. */
  private record Change(Operation by, @Nullable String value) {}

  private final List<Operation> operations;
  private final Map<Long, Operation> writers = new HashMap<>();
  private final Map<String, TreeMap<Long, Change>> changes = new HashMap<>();

  private RevisionOrder(History history) {
    this.operations = history.operations();
  }

  public static Verdict check(History history) {
    RevisionOrder order = new RevisionOrder(history);
    String wrong = order.uniqueWrites();
    if (wrong == null) {
      wrong = order.realTime();
    }
    if (wrong == null) {
      wrong = order.reads();
    }
    return wrong == null
        ? new Verdict.Correct(history.operations().size())
        : new Verdict.Wrong(wrong);
  }

  private @Nullable String uniqueWrites() {
    for (Operation operation : operations) {
      Response response = operation.response();
      if (response == null || !operation.wrote()) {
        continue;
      }
      Operation other = writers.putIfAbsent(response.revision(), operation);
      if (other != null) {
        return "two writes with one revision\n  " + other + "\n  " + operation;
      }
      note(operation, operation.request(), response, response.revision());
    }
    return null;
  }

  private void note(Operation by, Request request, Response response, long revision) {
    switch (request) {
      case Request.Get get -> {}
      case Request.Put put -> change(put.key(), revision, new Change(by, put.value()));
      case Request.Delete delete -> {
        if (response instanceof Response.Deleted deleted && deleted.count() > 0) {
          change(delete.key(), revision, new Change(by, null));
        }
      }
      case Request.Txn txn -> {
        if (response instanceof Response.TxnDone done) {
          List<Request.Single> branch = done.succeeded() ? txn.success() : txn.failure();
          for (int i = 0; i < Math.min(branch.size(), done.responses().size()); i++) {
            note(by, branch.get(i), done.responses().get(i), revision);
          }
        }
      }
    }
  }

  private void change(String key, long revision, Change change) {
    changes.computeIfAbsent(key, k -> new TreeMap<>()).put(revision, change);
  }

  /** Sweeps over the calls in time, with the newest revision that anybody had been told before. */
  private @Nullable String realTime() {
    PriorityQueue<Operation> running =
        new PriorityQueue<>(Comparator.comparingLong(Operation::returnedAt));
    @Nullable Operation newest = null;
    long told = 0;
    for (Operation operation : operations) {
      while (!running.isEmpty() && running.peek().returnedAt() < operation.invokedAt()) {
        Operation finished = running.remove();
        Response response = finished.response();
        if (response != null && response.revision() > told) {
          told = response.revision();
          newest = finished;
        }
      }
      Response response = operation.response();
      if (response == null) {
        continue;
      }
      long least = operation.wrote() ? told + 1 : told;
      if (newest != null && response.revision() < least) {
        return "a revision that goes back: the first was answered before the second was called\n  "
            + newest
            + "\n  "
            + operation;
      }
      running.add(operation);
    }
    return null;
  }

  private @Nullable String reads() {
    Map<String, List<Operation>> pendingWrites = new HashMap<>();
    for (Operation operation : operations) {
      if (operation.isPending() && operation.request().mayWrite()) {
        for (String key : operation.request().keys()) {
          pendingWrites.computeIfAbsent(key, k -> new ArrayList<>()).add(operation);
        }
      }
    }
    for (Operation operation : operations) {
      if (operation.request() instanceof Request.Get get
          && operation.response() instanceof Response.Got got) {
        String wrong =
            read(operation, get.key(), got, pendingWrites.getOrDefault(get.key(), List.of()));
        if (wrong != null) {
          return wrong;
        }
      }
    }
    return null;
  }

  private @Nullable String read(
      Operation reader, String key, Response.Got got, List<Operation> pendingWrites) {
    Response.Version seen = got.version();
    Map.Entry<Long, Change> last =
        changes.getOrDefault(key, new TreeMap<>()).floorEntry(got.revision());
    boolean mayBePending =
        pendingWrites.stream().anyMatch(p -> p.invokedAt() <= reader.returnedAt());
    if (seen == null) {
      boolean missing = last != null && last.getValue().value() != null && !mayBePending;
      return missing ? unlike(reader, last.getValue().by()) : null;
    }
    if (seen.modRevision() > got.revision()) {
      return "a read of what was written after it\n  " + reader;
    }
    Operation writer = writers.get(seen.modRevision());
    if (writer == null) {
      return mayBePending && (last == null || last.getKey() < seen.modRevision())
          ? null
          : "a read of what nobody wrote\n  " + reader;
    }
    if (last == null
        || last.getKey() != seen.modRevision()
        || !seen.value().equals(last.getValue().value())) {
      return unlike(reader, last == null ? writer : last.getValue().by());
    }
    return null;
  }

  private static String unlike(Operation reader, Operation writer) {
    return "a read that does not see the newest write at its revision\n  "
        + writer
        + "\n  "
        + reader;
  }
}
