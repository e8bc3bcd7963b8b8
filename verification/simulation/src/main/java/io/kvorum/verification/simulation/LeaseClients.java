package io.kvorum.verification.simulation;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.LeaseGrantRequest;
import io.kvorum.protocol.etcdserverpb.LeaseRevokeRequest;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.internal.Command;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Clients that take leases, queue up for a lock with them, keep them alive, and give them back or
 * just go away.
 */
final class LeaseClients {
  private static final long RETRY_MICROS = 50 * Agenda.MILLIS;
  private static final long LOOK_MICROS = 150 * Agenda.MILLIS;

  private final World world;
  private final LeaseInvariants invariants;
  private final SplittableRandom random;
  private long lastId;
  private boolean stopped;

  LeaseClients(World world, int clients) {
    this.world = world;
    this.invariants = world.leases();
    this.random = world.random().split();
    if (clients > 0) {
      world.countLeases();
    }
    for (int i = 0; i < clients; i++) {
      world.agenda().in(random.nextLong(2 * Agenda.SECONDS), this::begin);
    }
  }

  /** All go away, and leave what they have to its time. */
  void stop() {
    stopped = true;
  }

  private void begin() {
    if (!stopped) {
      new Session(++lastId, 2 + random.nextInt(3)).begin();
    }
  }

  private void beginLater() {
    world.agenda().in(random.nextLong(Agenda.SECONDS), this::begin);
  }

  /** One lease, from its grant to its end. */
  private final class Session {
    private final long lease;
    private final long ttlSeconds;
    private boolean over;

    Session(long lease, long ttlSeconds) {
      this.lease = lease;
      this.ttlSeconds = ttlSeconds;
    }

    void begin() {
      long askedAt = world.agenda().now();
      propose(
          Command.newBuilder()
              .setLeaseGrant(LeaseGrantRequest.newBuilder().setID(lease).setTTL(ttlSeconds)),
          outcome -> {
            if (outcome instanceof Outcome.Ok<Object>) {
              invariants.promised(lease, askedAt, ttlSeconds);
              granted();
            } else {
              // It may be granted all the same, and ends by itself.
              end();
            }
          });
    }

    private void granted() {
      long lasts = random.nextLong(10 * Agenda.SECONDS);
      boolean revokes = random.nextBoolean();
      world.agenda().in(lasts, () -> leave(revokes));
      renewLater();
      propose(
          Command.newBuilder().setPut(PutRequest.newBuilder().setLease(lease)),
          outcome -> {
            if (outcome instanceof Outcome.Ok<Object>) {
              look();
            } else if (outcome instanceof Outcome.Refused<Object>(var error)
                && error == EtcdError.LEASE_NOT_FOUND) {
              gone();
            }
          });
    }

    private void leave(boolean revokes) {
      if (over) {
        return;
      }
      if (revokes) {
        invariants.givenUp(lease);
        propose(
            Command.newBuilder().setLeaseRevoke(LeaseRevokeRequest.newBuilder().setID(lease)),
            outcome -> {});
      }
      end();
    }

    private void end() {
      if (!over) {
        over = true;
        beginLater();
      }
    }

    private void gone() {
      if (!over) {
        invariants.toldGone(lease);
        end();
      }
    }

    private void renewLater() {
      world.agenda().in(ttlSeconds * Agenda.SECONDS / 3, () -> renew(any()));
    }

    /** Whoever does not lead names who does, and is believed. */
    private void renew(@Nullable Life at) {
      if (over || stopped) {
        return;
      }
      if (at == null) {
        world.agenda().in(RETRY_MICROS, () -> renew(any()));
        return;
      }
      long askedAt = world.agenda().now();
      at.requests()
          .renewLease(
              lease,
              outcome -> {
                switch (outcome) {
                  case Outcome.Ok<Long>(var ttl) -> {
                    if (ttl == 0) {
                      gone();
                    } else if (!over) {
                      invariants.promised(lease, askedAt, ttl);
                      renewLater();
                    }
                  }
                  case Outcome.Refused<Long> refused ->
                      world
                          .agenda()
                          .in(
                              RETRY_MICROS,
                              () ->
                                  renew(random.nextBoolean() ? any() : world.lifeOf(at.leader())));
                }
              });
    }

    private void look() {
      Life at = any();
      if (over || stopped) {
        return;
      }
      if (at != null) {
        at.requests()
            .readLeases(
                outcome -> {
                  if (!over
                      && outcome instanceof Outcome.Ok<Object>(var value)
                      && value instanceof StoreLeases leases
                      && leases.owner() == lease) {
                    invariants.owns(lease);
                  }
                });
      }
      world.agenda().in(LOOK_MICROS, this::look);
    }
  }

  private @Nullable Life any() {
    List<Life> lives = world.lives();
    return lives.isEmpty() ? null : lives.get(random.nextInt(lives.size()));
  }

  private void propose(Command.Builder command, Consumer<Outcome<Object>> then) {
    Life at = any();
    if (at == null) {
      world.agenda().in(RETRY_MICROS, () -> then.accept(Outcome.refused(EtcdError.NO_LEADER)));
    } else {
      at.requests().propose(command, then);
    }
  }
}
