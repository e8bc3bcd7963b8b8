package io.kvorum.verification.simulation;

import io.kvorum.actors.divergence.ChainAnswers;
import io.kvorum.actors.divergence.DivergenceDetector;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.ChainAnswer;
import io.kvorum.protocol.internal.ChainQuestion;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * While a process leads, it compares the rolling hashes of the others with its own, once a second.
 * Leaves the seed's chance alone, so that a seed's story is the same with and without it.
 */
final class ChainWatch {
  private static final long INTERVAL = Agenda.SECONDS;
  private static final long WAY_MICROS = 2 * Agenda.MILLIS;

  private final Life life;
  private final World world;
  private @Nullable DivergenceDetector detector;

  ChainWatch(Life life) {
    this.life = life;
    this.world = life.member().world();
  }

  void lookNowAndThen() {
    world
        .agenda()
        .in(
            INTERVAL,
            () -> {
              if (!life.isDead()) {
                look();
                lookNowAndThen();
              }
            });
  }

  private void look() {
    DivergenceDetector current = current();
    if (current != null) {
      current.nextRound(life.configuration());
      others().forEach(member -> ask(current, member));
      tell(current);
    }
  }

  /** Null while it does not lead. */
  private @Nullable DivergenceDetector current() {
    if (life.leadingTerm() == 0 || life.member().isPaused()) {
      detector = null;
    } else if (detector == null || detector.own() != life.chain()) {
      detector = new DivergenceDetector(life.id(), life.chain());
    }
    return detector;
  }

  private Stream<MemberId> others() {
    return Stream.concat(
            life.configuration().voters().stream(), life.configuration().learners().stream())
        .filter(member -> !member.equals(life.id()));
  }

  private void ask(DivergenceDetector asking, MemberId member) {
    ChainQuestion question = asking.question(member);
    world.agenda().in(WAY_MICROS, () -> answer(asking, member, question));
  }

  private void answer(DivergenceDetector asking, MemberId member, ChainQuestion question) {
    Life asked = world.lifeOf(member);
    if (asked != null
        && !asked.member().isPaused()
        && world.network().connects(life.id(), member)
        && world.network().connects(member, life.id())) {
      ChainAnswer answer = ChainAnswers.answer(asked.chain(), question);
      world.agenda().in(WAY_MICROS, () -> heard(asking, member, answer));
    }
  }

  private void heard(DivergenceDetector asking, MemberId member, ChainAnswer answer) {
    if (!life.isDead() && current() == asking) {
      if (asking.heard(member, answer)) {
        ask(asking, member);
      }
      tell(asking);
    }
  }

  private void tell(DivergenceDetector current) {
    current.found(life.configuration()).forEach(divergence -> world.diverged(life, divergence));
  }
}
