package io.kvorum.actors.lease;

import io.kvorum.protocol.EtcdError;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Calls on their way to an answer. All that arrived before a round began share its ReadIndex, which
 * proves that no other member led when they arrived; one round is under way at a time.
 */
final class LeaseCalls {
  /** Calls that may wait at a time; beyond, they are refused with {@code too many requests}. */
  static final int MAX_WAITING = 1 << 16;

  /** An unanswered ReadIndex is asked for again after this time, as in etcd. */
  private static final long RESEND_NANOS = 500_000_000L;

  /** How long a lease that is not known may take to be applied, as in etcd. */
  private static final long APPLY_NANOS = 1_000_000_000L;

  private record Waiting(LeaseCall call, long deadlineNanos) {}

  private final LeaseEffects effects;
  private final long timeoutNanos;
  private List<Waiting> next = new ArrayList<>();
  private List<Waiting> asked = List.of();
  private boolean asking;
  private long token;
  private long askedAtNanos;

  /** By token: confirmed, and waiting for this member to apply what was committed by then. */
  private final Map<Long, List<Waiting>> behind = new HashMap<>();

  /** By lease: until it is gone. */
  private final Map<Long, List<Waiting>> ending = new HashMap<>();

  /** By lease: until the log says that all of its TTL is left. */
  private final Map<Long, List<Waiting>> clearing = new HashMap<>();

  private int size;

  /**
   * @param firstToken tokens are counted from here. Not the same in two lives of a member
   */
  LeaseCalls(LeaseEffects effects, long timeoutNanos, long firstToken) {
    this.effects = effects;
    this.timeoutNanos = timeoutNanos;
    this.token = firstToken;
  }

  boolean isEmpty() {
    return size == 0 && !asking;
  }

  void add(LeaseCall call, long nowNanos) {
    if (size >= MAX_WAITING) {
      call.refuse(EtcdError.REQUEST_TOO_MANY_REQUESTS);
    } else {
      size++;
      next.add(new Waiting(call, nowNanos + timeoutNanos));
    }
  }

  /** Begins a round, unless one is under way. */
  void ask(long nowNanos) {
    if (!asking) {
      asking = true;
      asked = next;
      next = new ArrayList<>();
      resend(nowNanos);
    }
  }

  /** Begins a round if somebody waits for one. */
  void askIfWanted(long nowNanos) {
    if (!next.isEmpty()) {
      ask(nowNanos);
    }
  }

  private void resend(long nowNanos) {
    askedAtNanos = nowNanos;
    effects.readIndex(++token);
  }

  /** Whether this answers the round under way, which ends with it. */
  boolean confirms(long confirmedToken) {
    boolean confirms = asking && confirmedToken == token;
    if (confirms) {
      asking = false;
    }
    return confirms;
  }

  /** The calls of the round that has just ended, handed over. */
  void takeConfirmed(Consumer<LeaseCall> sink) {
    List<Waiting> taken = asked;
    asked = List.of();
    hand(taken, sink);
  }

  /** The calls of the round that has just ended wait until an entry is applied. */
  void awaitApplied(long index) {
    List<Waiting> taken = asked;
    asked = List.of();
    behind.put(token, taken);
    effects.awaitApplied(token, index);
  }

  /**
   * A call of the round that has just ended waits until an entry is applied. To be followed by
   * {@link #awaitAppliedIfAny}.
   */
  void defer(LeaseCall call, long nowNanos) {
    size++;
    behind
        .computeIfAbsent(token, t -> new ArrayList<>())
        .add(new Waiting(call, nowNanos + APPLY_NANOS));
  }

  void awaitAppliedIfAny(long index) {
    if (behind.containsKey(token)) {
      effects.awaitApplied(token, index);
    }
  }

  /** Whether something waits for this. */
  boolean isAwaiting(long appliedToken) {
    return behind.containsKey(appliedToken);
  }

  /** Calls that waited for this, handed over. */
  void takeApplied(long appliedToken, Consumer<LeaseCall> sink) {
    hand(behind.remove(appliedToken), sink);
  }

  void awaitEnd(LeaseCall call, long nowNanos) {
    park(ending, call, nowNanos);
  }

  void takeEnded(long lease, Consumer<LeaseCall> sink) {
    hand(ending.remove(lease), sink);
  }

  /** Returns whether it is the first that waits for this. */
  boolean awaitClear(LeaseCall call, long nowNanos) {
    boolean first = !clearing.containsKey(call.lease());
    park(clearing, call, nowNanos);
    return first;
  }

  boolean isClearing(long lease) {
    return clearing.containsKey(lease);
  }

  void takeCleared(long lease, Consumer<LeaseCall> sink) {
    hand(clearing.remove(lease), sink);
  }

  private void park(Map<Long, List<Waiting>> where, LeaseCall call, long nowNanos) {
    size++;
    where
        .computeIfAbsent(call.lease(), id -> new ArrayList<>(1))
        .add(new Waiting(call, nowNanos + timeoutNanos));
  }

  private void hand(@Nullable List<Waiting> taken, Consumer<LeaseCall> sink) {
    if (taken != null) {
      size -= taken.size();
      taken.forEach(waiting -> sink.accept(waiting.call()));
    }
  }

  /** This member does not lead: who waits asks another. */
  void refuseAll() {
    Consumer<LeaseCall> refuse = call -> call.refuse(EtcdError.NOT_LEADER);
    hand(next, refuse);
    hand(asked, refuse);
    next = new ArrayList<>();
    asked = List.of();
    asking = false;
    for (Map<Long, List<Waiting>> parked : List.of(behind, ending, clearing)) {
      parked.values().forEach(calls -> hand(calls, refuse));
      parked.clear();
    }
  }

  /** Repeats a question that was not answered, and ends calls whose time is up. */
  void expire(long nowNanos) {
    if (asking && nowNanos - askedAtNanos >= RESEND_NANOS) {
      resend(nowNanos);
    }
    next = refuseLate(next, nowNanos, EtcdError.NOT_PRIMARY_LESSOR);
    asked = refuseLate(asked, nowNanos, EtcdError.NOT_PRIMARY_LESSOR);
    behind.replaceAll(
        (t, calls) -> refuseLate(calls, nowNanos, EtcdError.TIMEOUT_WAIT_APPLIED_INDEX));
    expireParked(ending, nowNanos);
    expireParked(clearing, nowNanos);
  }

  private void expireParked(Map<Long, List<Waiting>> parked, long nowNanos) {
    for (Iterator<Map.Entry<Long, List<Waiting>>> all = parked.entrySet().iterator();
        all.hasNext(); ) {
      Map.Entry<Long, List<Waiting>> entry = all.next();
      List<Waiting> rest = refuseLate(entry.getValue(), nowNanos, EtcdError.TIMEOUT);
      if (rest.isEmpty()) {
        all.remove();
      } else {
        entry.setValue(rest);
      }
    }
  }

  private List<Waiting> refuseLate(List<Waiting> calls, long nowNanos, EtcdError error) {
    if (calls.isEmpty() || calls.getFirst().deadlineNanos() > nowNanos) {
      return calls;
    }
    List<Waiting> rest = new ArrayList<>(calls);
    while (!rest.isEmpty() && rest.getFirst().deadlineNanos() <= nowNanos) {
      size--;
      rest.removeFirst().call().refuse(error);
    }
    return rest;
  }
}
