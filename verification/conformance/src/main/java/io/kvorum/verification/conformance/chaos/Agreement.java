package io.kvorum.verification.conformance.chaos;

import io.etcd.jetcd.api.Event;
import io.kvorum.verification.history.History;
import io.kvorum.verification.history.HistoryCheck;
import io.kvorum.verification.history.Operation;
import io.kvorum.verification.history.Request;
import io.kvorum.verification.history.Response;
import io.kvorum.verification.history.Verdict;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Holds what clients were told against the changes the members show, and against time.
 *
 * <p>An acknowledged change stands at its revision, with its content, and nowhere else; an answered
 * read shows what was newest at the revision it came with; nothing stands there that nobody asked
 * for; and the whole is linearizable.
 */
final class Agreement {
  private final String prefix;
  private final History told;
  private final KeyspaceHistory shown;
  private final Map<String, TreeMap<Long, Event>> byKey = new HashMap<>();

  /**
   * @param prefix of the keys that only these calls are about
   * @param shown from before their first change to behind their last
   */
  Agreement(String prefix, History told, KeyspaceHistory shown) {
    this.prefix = prefix;
    this.told = told;
    this.shown = shown;
    shown
        .events()
        .forEach(
            (revision, events) -> {
              for (var event : events)
                byKey.computeIfAbsent(key(event), k -> new TreeMap<>()).put(revision, event);
            });
  }

  /**
   * @throws AssertionError naming the first contradiction
   */
  Verdict check() {
    shown.checkGapless();
    var changes = new HashMap<Long, Operation>();
    for (var operation : told.operations()) {
      var response = operation.response();
      if (response == null) continue;
      if (response.revision() > shown.until())
        throw broken("lost: the members ended at revision " + shown.until(), operation);
      if (Recorder.changed(response)) {
        var other = changes.putIfAbsent(response.revision(), operation);
        if (other != null) throw broken("the same revision as " + other, operation);
        checkChange(operation, response);
      } else checkRead(operation, response);
    }
    var happened = checkNothingInvented(changes.keySet());
    var verdict = HistoryCheck.check(withoutWhatNeverHappened(happened));
    if (verdict instanceof Verdict.Wrong wrong) throw new AssertionError(wrong.explanation());
    return verdict;
  }

  private void checkChange(Operation operation, Response response) {
    var events = shown.events().getOrDefault(response.revision(), List.of());
    if (events.size() != 1) throw broken("this stands there: " + events, operation);
    var event = events.getFirst();
    boolean right =
        operation.request().keys().equals(Set.of(key(event)))
            && switch (operation.request()) {
              case Request.Put put -> isPut(event, put);
              case Request.Delete d -> event.getType() == Event.EventType.DELETE;
              case Request.Txn txn ->
                  isPut(event, (Request.Put) txn.success().getFirst())
                      && holds(txn, response.revision() - 1);
              case Request.Get g -> false;
            };
    if (!right) throw broken("this stands there: " + event, operation);
  }

  private static boolean isPut(Event event, Request.Put put) {
    return event.getType() == Event.EventType.PUT
        && event.getKv().getValue().toStringUtf8().equals(put.value());
  }

  /** Whether the transaction had to succeed on what the store held after that revision. */
  private boolean holds(Request.Txn txn, long revision) {
    return txn.compares().stream()
        .allMatch(
            compare -> {
              var newest = newest(compare.key(), revision);
              return switch (compare) {
                case Request.Compare.ModRevisionIs is ->
                    is.revision() == (newest == null ? 0 : newest.modRevision());
                case Request.Compare.ValueIs is ->
                    newest != null && newest.value().equals(is.value());
              };
            });
  }

  private void checkRead(Operation operation, Response response) {
    var key = operation.request().keys().iterator().next();
    var newest = newest(key, response.revision());
    boolean right =
        switch (response) {
          case Response.Got got -> same(got.version(), newest);
          case Response.Deleted d -> newest == null;
          case Response.TxnDone done ->
              done.responses().getFirst() instanceof Response.Got got
                  && same(got.version(), newest)
                  && operation.request() instanceof Request.Txn txn
                  && !holds(txn, response.revision());
          case Response.Written w -> false;
        };
    if (!right) throw broken("newest at that revision was " + newest, operation);
  }

  private static boolean same(Response.@Nullable Version one, Response.@Nullable Version other) {
    return one == null ? other == null : one.equals(other);
  }

  private Response.@Nullable Version newest(String key, long revision) {
    var versions = byKey.get(key);
    var entry = versions == null ? null : versions.floorEntry(revision);
    if (entry == null || entry.getValue().getType() == Event.EventType.DELETE) return null;
    return Client.version(entry.getValue().getKv());
  }

  /**
   * What nobody was told of has at least been asked for, and happened once.
   *
   * @return the values that were put
   */
  private Set<String> checkNothingInvented(Set<Long> acknowledged) {
    var asked = new HashSet<String>();
    var doubtfulDeletes = new HashMap<String, Integer>();
    for (var operation : told.operations()) {
      var value = value(operation.request());
      if (value != null) asked.add(value);
      if (operation.request() instanceof Request.Delete delete && operation.isPending())
        doubtfulDeletes.merge(delete.key(), 1, Integer::sum);
    }
    var happened = new HashSet<String>();
    shown
        .events()
        .forEach(
            (revision, events) -> {
              for (var event : events) {
                if (!key(event).startsWith(prefix)) continue;
                if (event.getType() == Event.EventType.PUT) checkPut(event, asked, happened);
                else if (!acknowledged.contains(revision)
                    && doubtfulDeletes.merge(key(event), -1, Integer::sum) < 0)
                  throw new AssertionError("nobody deleted " + event);
              }
            });
    return happened;
  }

  private static void checkPut(Event event, Set<String> asked, Set<String> happened) {
    var value = event.getKv().getValue().toStringUtf8();
    if (!asked.contains(value)) throw new AssertionError("nobody wrote " + event);
    if (!happened.add(value)) throw new AssertionError("applied twice: " + event);
  }

  private static @Nullable String value(Request request) {
    return switch (request) {
      case Request.Put put -> put.value();
      case Request.Txn txn -> ((Request.Put) txn.success().getFirst()).value();
      case Request.Get g -> null;
      case Request.Delete d -> null;
    };
  }

  /**
   * Calls in doubt whose value stands nowhere in the history, and reads without an answer, need not
   * be tried in every order: they never took effect.
   */
  private History withoutWhatNeverHappened(Set<String> happened) {
    return new History(
        told.operations().stream()
            .filter(
                operation -> {
                  if (!operation.isPending()) return true;
                  if (operation.request() instanceof Request.Delete) return true;
                  var value = value(operation.request());
                  return value != null && happened.contains(value);
                })
            .toList());
  }

  private static String key(Event event) {
    return event.getKv().getKey().toStringUtf8();
  }

  private static AssertionError broken(String why, Operation operation) {
    return new AssertionError(operation + "\n  " + why);
  }
}
