package io.kvorum.verification.simulation;

import io.kvorum.actors.raft.RaftMessage;
import io.kvorum.protocol.MemberId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;

/**
 * Carries messages between members: each direction of each pair for itself may lose, double, delay
 * and reorder them, be cut, or hold them back and let go of them later.
 *
 * <p>What clients propose is never doubled on its way to the leader, as the connection that carries
 * it never does: everything else is a statement that may be heard twice.
 */
final class Network {
  /**
   * @param lossPercent of messages that vanish
   * @param doublePercent of messages that arrive twice
   * @param latePercent of messages that take up to {@code maxLateMicros} longer
   */
  record Quality(
      int lossPercent,
      int doublePercent,
      int latePercent,
      long minMicros,
      long maxMicros,
      long maxLateMicros) {
    static final Quality PERFECT = new Quality(0, 0, 0, 1000, 1000, 0);
  }

  /** What becomes of the messages of a direction that is blocked. */
  enum Block {
    DROP,
    HOLD
  }

  private record Link(MemberId from, MemberId to) {}

  private record Held(Link link, RaftMessage message) {}

  private final Agenda agenda;
  private final SplittableRandom random;
  private final Trace trace;
  private final BiConsumer<MemberId, Wording.Sent> deliver;
  private final Map<Link, Block> blocked = new HashMap<>();
  private final List<Held> held = new ArrayList<>();
  private Quality quality;

  /**
   * @param deliver given the addressee and the message
   */
  Network(
      Agenda agenda,
      SplittableRandom random,
      Trace trace,
      Quality quality,
      BiConsumer<MemberId, Wording.Sent> deliver) {
    this.agenda = agenda;
    this.random = random;
    this.trace = trace;
    this.quality = quality;
    this.deliver = deliver;
  }

  void quality(Quality now) {
    quality = now;
  }

  void send(MemberId from, MemberId to, RaftMessage message) {
    trace.note(from, new Wording.Sent(from, to, message));
    Link link = new Link(from, to);
    if (blocked.get(link) == Block.HOLD) {
      held.add(new Held(link, message));
      return;
    }
    if (blocked.containsKey(link) || chance(quality.lossPercent())) {
      trace.note(from, new Wording.Lost(from, to, message));
      return;
    }
    carry(link, message);
    if (!(message instanceof RaftMessage.Forward) && chance(quality.doublePercent())) {
      carry(link, message);
    }
  }

  private void carry(Link link, RaftMessage message) {
    agenda.in(delay(), () -> arrive(link, message));
  }

  private void arrive(Link link, RaftMessage message) {
    Block block = blocked.get(link);
    if (block == Block.HOLD) {
      held.add(new Held(link, message));
    } else if (block == Block.DROP) {
      trace.note(link.from(), new Wording.Lost(link.from(), link.to(), message));
    } else {
      deliver.accept(link.to(), new Wording.Sent(link.from(), link.to(), message));
    }
  }

  long delay() {
    long spread = quality.maxMicros() - quality.minMicros();
    long delay = quality.minMicros() + (spread > 0 ? random.nextLong(spread) : 0);
    return chance(quality.latePercent()) ? delay + random.nextLong(quality.maxLateMicros()) : delay;
  }

  private boolean chance(int percent) {
    return percent > 0 && random.nextInt(100) < percent;
  }

  /** Whether what is sent now would be carried. */
  boolean connects(MemberId from, MemberId to) {
    return !blocked.containsKey(new Link(from, to));
  }

  void block(MemberId from, MemberId to, Block how) {
    if (!from.equals(to)) {
      blocked.put(new Link(from, to), how);
    }
  }

  void cut(Collection<MemberId> one, Collection<MemberId> other, Block how) {
    for (MemberId a : one) {
      for (MemberId b : other) {
        block(a, b, how);
        block(b, a, how);
      }
    }
  }

  /** Every direction works again; what was held back arrives now, in no order. */
  void heal() {
    blocked.clear();
    List<Held> released = new ArrayList<>(held);
    held.clear();
    released.forEach(h -> carry(h.link(), h.message()));
  }
}
