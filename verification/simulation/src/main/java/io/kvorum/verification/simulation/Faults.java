package io.kvorum.verification.simulation;

import io.kvorum.protocol.MemberId;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Lets a plan's faults happen, each with its own dice. */
final class Faults {
  private final World world;
  private final Operator operator;
  private boolean over;

  Faults(World world, Operator operator, List<Fault> faults) {
    this.world = world;
    this.operator = operator;
    for (Fault fault : faults) {
      world.agenda().in(fault.atMicros() - world.agenda().now(), () -> begin(fault));
    }
  }

  /** Nothing goes wrong any more. */
  void end() {
    over = true;
  }

  private void begin(Fault fault) {
    if (over) {
      return;
    }
    world.trace().note("fault", fault);
    SplittableRandom random = new SplittableRandom(fault.seed());
    switch (fault.kind()) {
      case CRASH -> crash(fault, pick(random));
      case CRASH_LEADER -> crash(fault, leaderOr(random));
      case CRASH_ALL -> world.members().forEach(m -> crash(fault, m));
      case CRASH_AT_VOTE -> crashAtVote(fault, random);
      case PAUSE -> pause(fault, pick(random));
      case PAUSE_LEADER -> pause(fault, leaderOr(random));
      case ISOLATE_LEADER -> isolate(fault, leaderOr(random), how(random));
      case ISOLATE -> isolate(fault, pick(random), how(random));
      case SPLIT -> split(fault, random);
      case ONE_WAY -> oneWay(fault, random);
      case LOSSY -> lossy(fault, random);
      case SLOW_DISK -> slowDisk(fault, random);
      case FAILING_DISK -> with(pick(random), m -> failingDisk(fault, m));
      case SLOW_APPLIER -> with(pick(random), m -> slowApplier(fault, m, random));
      case CLOCK -> with(pick(random), m -> clock(m, random));
      case TRANSFER -> operator.transfer(random);
      case ADD_LEARNER -> operator.addLearner(random);
      case ADD_VOTER -> operator.addVoter(random);
      case PROMOTE -> operator.promote(random);
      case REMOVE -> operator.remove(random);
      case REPLACE -> operator.replace(random);
    }
  }

  private void later(Fault fault, Runnable repair) {
    world
        .agenda()
        .in(
            fault.lastsMicros(),
            () -> {
              if (!over) {
                repair.run();
              }
            });
  }

  private static void with(@Nullable Member member, Consumer<Member> then) {
    if (member != null) {
      then.accept(member);
    }
  }

  private @Nullable Member pick(SplittableRandom random) {
    List<Member> running = world.lives().stream().map(Life::member).toList();
    return running.isEmpty() ? null : running.get(random.nextInt(running.size()));
  }

  private @Nullable Member leaderOr(SplittableRandom random) {
    Life leader = world.leader();
    return leader == null ? pick(random) : leader.member();
  }

  private void crash(Fault fault, @Nullable Member victim) {
    if (victim != null) {
      victim.crash();
      later(fault, victim::start);
    }
  }

  /** Whoever votes next is gone a moment later, and soon back. */
  private void crashAtVote(Fault fault, SplittableRandom random) {
    world.onVote(
        voter -> {
          world.onVote(v -> {});
          Member member = world.member(voter);
          long moment = random.nextLong(10 * Agenda.MILLIS);
          world.agenda().in(moment, member::crash);
          world.agenda().in(moment + random.nextLong(100 * Agenda.MILLIS), () -> restart(member));
        });
    later(fault, () -> world.onVote(v -> {}));
  }

  private static void restart(Member member) {
    member.crash();
    member.start();
  }

  private void pause(Fault fault, @Nullable Member victim) {
    if (victim != null) {
      victim.pause();
      later(fault, victim::resume);
    }
  }

  private static Network.Block how(SplittableRandom random) {
    return random.nextInt(3) == 0 ? Network.Block.HOLD : Network.Block.DROP;
  }

  private List<MemberId> ids() {
    return world.members().stream().map(Member::id).toList();
  }

  private void isolate(Fault fault, @Nullable Member victim, Network.Block how) {
    if (victim != null) {
      world.network().cut(List.of(victim.id()), ids(), how);
      later(fault, world.network()::heal);
    }
  }

  private void split(Fault fault, SplittableRandom random) {
    List<MemberId> one = new ArrayList<>();
    List<MemberId> other = new ArrayList<>();
    ids().forEach(id -> (random.nextBoolean() ? one : other).add(id));
    world.network().cut(one, other, how(random));
    later(fault, world.network()::heal);
  }

  /** What one member says does not arrive, or what it should hear. */
  private void oneWay(Fault fault, SplittableRandom random) {
    with(
        random.nextBoolean() ? leaderOr(random) : pick(random),
        victim -> {
          boolean deaf = random.nextBoolean();
          Network.Block how = how(random);
          for (MemberId other : ids()) {
            if (random.nextInt(4) > 0) {
              world.network().block(deaf ? other : victim.id(), deaf ? victim.id() : other, how);
            }
          }
        });
    later(fault, world.network()::heal);
  }

  private void lossy(Fault fault, SplittableRandom random) {
    world
        .network()
        .quality(
            new Network.Quality(
                random.nextInt(40),
                random.nextInt(30),
                random.nextInt(40),
                200,
                20_000,
                (1 + random.nextInt(3000)) * Agenda.MILLIS));
    later(fault, () -> world.network().quality(world.setup().network()));
  }

  private void slowDisk(Fault fault, SplittableRandom random) {
    with(
        random.nextBoolean() ? leaderOr(random) : pick(random),
        victim -> {
          long micros = (20 + random.nextInt(1500)) * Agenda.MILLIS;
          victim.disk().syncTakes(micros / 2, micros);
          later(
              fault,
              () ->
                  victim
                      .disk()
                      .syncTakes(world.setup().minSyncMicros(), world.setup().maxSyncMicros()));
        });
  }

  private void failingDisk(Fault fault, Member victim) {
    victim.disk().failing(true);
    later(fault, () -> victim.disk().failing(false));
  }

  private void slowApplier(Fault fault, Member victim, SplittableRandom random) {
    victim.applyMicros((50 + random.nextInt(2000)) * Agenda.MILLIS);
    later(fault, () -> victim.applyMicros(world.setup().applyMicros()));
  }

  /** From a half to double its pace, until everything is repaired. */
  private void clock(Member victim, SplittableRandom random) {
    long tick = world.setup().tickMicros();
    victim.tickMicros(tick / 2 + random.nextLong(3 * tick / 2));
  }
}
