package io.kvorum.verification.simulation;

import io.kvorum.verification.history.History;
import io.kvorum.verification.history.HistoryCheck;
import io.kvorum.verification.history.Request;
import io.kvorum.verification.history.Verdict;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * One plan carried out: faults until its end, then quiet, in which everything has to come right.
 */
final class SeedRun {
  /** A quiet cluster agrees within this time. */
  private static final long SETTLE_LIMIT = 30 * Agenda.SECONDS;

  private static final long LOOK_EVERY = 200 * Agenda.MILLIS;
  private static final int TAIL_LINES = 60;

  /**
   * What came of it.
   *
   * @param failure null if nothing was wrong
   * @param digest of everything that happened, in order
   */
  record Result(
      Plan plan,
      @Nullable Violation failure,
      List<String> tail,
      int operations,
      int answered,
      long entries,
      long digest) {}

  private final Plan plan;
  private final World world;
  private final Clients clients;
  private final LeaseClients leaseClients;
  private final Faults faults;
  private final Operator operator;
  private final Watchers watchers;
  private boolean markerDone;

  private SeedRun(Plan plan, Tampering tampering) {
    this.plan = plan;
    SplittableRandom random = new SplittableRandom(plan.seed() ^ 0x5eed);
    this.world = new World(plan.setup(), random, tampering);
    this.clients = new Clients(world, plan.clients(), plan.thinkMicros());
    this.leaseClients = new LeaseClients(world, plan.leaseClients());
    this.operator = new Operator(world);
    this.faults = new Faults(world, operator, plan.faults());
    this.watchers = new Watchers(world, plan.seed());
    world.invariants().add(watchers);
  }

  static Result run(Plan plan, Tampering tampering) {
    SeedRun run = new SeedRun(plan, tampering);
    Violation failure = null;
    try {
      run.carryOut();
    } catch (Violation e) {
      failure = e;
    }
    History history = run.clients.history();
    return new Result(
        plan,
        failure,
        failure == null ? List.of() : run.world.trace().tail(TAIL_LINES),
        history.operations().size(),
        history.answered(),
        run.world.committed(),
        run.world.trace().digest());
  }

  private void carryOut() {
    world.members().forEach(Member::start);
    goHomeNowAndThen();
    world.agenda().runUntil(Plan.END);
    faults.end();
    clients.stop();
    leaseClients.stop();
    world.repair();
    operator.sendHome();
    watchers.hurry();
    settle();
    world.invariants().finished(remaining());
    check(clients.history());
  }

  private void goHomeNowAndThen() {
    world
        .agenda()
        .in(
            2 * Agenda.SECONDS + world.random().nextLong(2 * Agenda.SECONDS),
            () -> {
              operator.sendHome();
              if (world.agenda().now() < Plan.END) {
                goHomeNowAndThen();
              }
            });
  }

  /** There is progress: a new write is answered, and everybody comes to have everything. */
  private void settle() {
    long limit = world.agenda().now() + SETTLE_LIMIT;
    askForMarker();
    while (!isSettled()) {
      Violation.check(
          world.agenda().now() < limit,
          "progress on a quiet network",
          () -> "no agreement after " + SETTLE_LIMIT / Agenda.SECONDS + " s: " + describe());
      world.agenda().runUntil(world.agenda().now() + LOOK_EVERY);
      operator.sendHome();
    }
  }

  private void askForMarker() {
    List<Life> lives = remaining();
    if (lives.isEmpty() || !lives.getFirst().isUp()) {
      world.agenda().in(LOOK_EVERY, this::askForMarker);
      return;
    }
    int before = clients.history().answered();
    clients.ask(
        plan.clients(),
        lives.getFirst(),
        new Request.Put("marker", "at " + world.agenda().now()),
        () -> {
          markerDone |= clients.history().answered() > before;
          if (!markerDone) {
            world.agenda().in(LOOK_EVERY, this::askForMarker);
          }
        });
  }

  private boolean isSettled() {
    return markerDone
        && clients.areIdle()
        && watchers.areLevel()
        && world.leader() != null
        && remaining().stream()
            .allMatch(
                l ->
                    l.isUp()
                        && l.store().applied().index() == world.committed()
                        && l.store().leases().leases().isEmpty())
        && remaining().size()
            == world.configuration().voters().size() + world.configuration().learners().size();
  }

  /** Those that belong to the last membership. */
  private List<Life> remaining() {
    return world.lives().stream()
        .filter(
            l ->
                world.configuration().isVoter(l.id())
                    || world.configuration().learners().contains(l.id()))
        .toList();
  }

  private String describe() {
    StringBuilder text = new StringBuilder();
    text.append(Wording.configuration(world.configuration()))
        .append(", committed ")
        .append(world.committed())
        .append(markerDone ? "" : ", the last write is not answered")
        .append(watchers.areLevel() ? "" : ", watchers lack events");
    for (Life life : world.lives()) {
      text.append("\n  ")
          .append(life)
          .append(" leader ")
          .append(life.leader())
          .append(' ')
          .append(life.log())
          .append(" applied ")
          .append(life.store().applied().index())
          .append(", ")
          .append(Wording.configuration(life.configuration()));
    }
    return text.toString();
  }

  private static void check(History history) {
    switch (HistoryCheck.check(history)) {
      case Verdict.Correct correct -> {}
      case Verdict.Wrong(var explanation) ->
          throw new Violation("linearizability", "\n" + explanation);
      case Verdict.Undecided(var reason) -> throw new Violation("linearizability", reason);
    }
  }
}
