package io.kvorum.actors.lease;

import io.kvorum.persistence.mvcc.LeaseChange;
import io.kvorum.persistence.mvcc.StoredLease;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.internal.LeaseCheckpoints;
import io.kvorum.protocol.internal.LeaseExpiry;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/**
 * A lessor on virtual time, with a log that applies what it proposes when the test says so, or at
 * once.
 */
final class LessorFixture implements LeaseEffects {
  static final long SECOND = 1_000_000_000L;
  static final LeaseRules RULES = LeaseRules.of(Duration.ofSeconds(1), Duration.ofSeconds(7));

  /** The replicated state. */
  final Map<Long, StoredLease> stored = new HashMap<>();

  /** When each lease was revoked because its time was up. */
  final Map<Long, Long> ended = new HashMap<>();

  final ArrayDeque<Runnable> log = new ArrayDeque<>();
  final List<LeaseCheckpoints> checkpoints = new ArrayList<>();
  final List<LeaseExpiry> expiries = new ArrayList<>();
  final Lessor lessor = new Lessor(RULES, this, 0);
  long now;
  long term = 1;
  long index;
  long token;
  long awaited;
  int renewed;
  int expired;

  /** What the log does not take. */
  boolean refusing;

  /** Whether a quorum answers, and what is committed is applied, at once. */
  boolean quorum = true;

  boolean applies = true;

  LessorFixture() {}

  /** When a lease was revoked. */
  long endedAt(long id) {
    return Objects.requireNonNull(ended.get(id), () -> "lease " + id + " is there");
  }

  /** What was logged to be left of a lease. */
  long logged(long id) {
    return Objects.requireNonNull(stored.get(id)).remainingSeconds();
  }

  /** Leads, and counts. */
  static LessorFixture leading() {
    LessorFixture fixture = new LessorFixture();
    fixture.lead(1);
    return fixture;
  }

  void lead(long ledTerm) {
    term = ledTerm;
    lessor.leads(ledTerm, now);
    run();
  }

  void grant(long id, long ttlSeconds) {
    StoredLease lease = new StoredLease(id, ttlSeconds, 0, ++index);
    stored.put(id, lease);
    tell(new LeaseChange.Granted(lease));
  }

  void revoke(long id) {
    stored.remove(id);
    index++;
    tell(new LeaseChange.Revoked(id));
  }

  private void tell(LeaseChange change) {
    lessor.changed(index, List.of(change), now);
    run();
  }

  CompletableFuture<Outcome<Long>> renew(long id) {
    CompletableFuture<Outcome<Long>> reply = new CompletableFuture<>();
    lessor.call(new LeaseCall.Renew(id, reply), now);
    run();
    return reply;
  }

  CompletableFuture<Outcome<TimeLeft>> timeToLive(long id) {
    CompletableFuture<Outcome<TimeLeft>> reply = new CompletableFuture<>();
    lessor.call(new LeaseCall.TimeToLive(id, reply), now);
    run();
    return reply;
  }

  /** The quorum and the log answer. */
  void run() {
    while (true) {
      if (quorum && token != 0) {
        long asked = token;
        token = 0;
        lessor.confirmed(asked, index, now);
      } else if (applies && awaited != 0) {
        long applied = awaited;
        awaited = 0;
        lessor.applied(applied, now);
      } else if (applies && !log.isEmpty()) {
        log.remove().run();
      } else {
        return;
      }
    }
  }

  /** Time passes, and the lessor is woken whenever it wants to be. */
  void advance(long nanos) {
    long end = now + nanos;
    while (lessor.nextWakeNanos() <= end) {
      now = Math.max(now, lessor.nextWakeNanos());
      lessor.wake(now);
      run();
    }
    now = end;
  }

  void advanceSeconds(double seconds) {
    advance((long) (seconds * SECOND));
  }

  @Override
  public void readIndex(long asked) {
    token = asked;
  }

  @Override
  public void awaitApplied(long waiting, long at) {
    awaited = waiting;
  }

  @Override
  public void propose(long number, LeaseExpiry expiry) {
    expiries.add(expiry);
    log.add(
        () -> {
          boolean done = !refusing && expiry.getTerm() == term;
          if (done) {
            index++;
            List<LeaseChange> changes = new ArrayList<>();
            for (int i = 0; i < expiry.getIdsCount(); i++) {
              StoredLease lease = stored.get(expiry.getIds(i));
              if (lease != null && lease.grantedAt() == expiry.getGrantedAt(i)) {
                stored.remove(lease.id());
                ended.put(lease.id(), now);
                changes.add(new LeaseChange.Revoked(lease.id()));
              }
            }
            lessor.changed(index, changes, now);
          }
          lessor.proposed(number, done, now);
        });
  }

  @Override
  public void propose(long number, LeaseCheckpoints proposal) {
    checkpoints.add(proposal);
    log.add(
        () -> {
          boolean done = !refusing && proposal.getTerm() == term;
          if (done) {
            index++;
            List<LeaseChange> changes = new ArrayList<>();
            for (LeaseCheckpoints.Checkpoint each : proposal.getCheckpointsList()) {
              StoredLease lease = stored.get(each.getId());
              if (lease != null && lease.grantedAt() == each.getGrantedAt()) {
                long left = each.getRemainingSeconds();
                stored.put(
                    lease.id(),
                    new StoredLease(lease.id(), lease.ttlSeconds(), left, lease.grantedAt()));
                changes.add(new LeaseChange.Checkpointed(lease.id(), left));
              }
            }
            lessor.changed(index, changes, now);
          }
          lessor.proposed(number, done, now);
        });
  }

  @Override
  public void renewed() {
    renewed++;
  }

  @Override
  public void expired(int leases) {
    expired += leases;
  }
}
