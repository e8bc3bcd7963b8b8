package io.kvorum.verification.simulation;

import io.kvorum.actors.raft.RaftSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Predicate;

/**
 * All that a seed decides before the clock starts: how big the cluster is, how good its network,
 * and what goes wrong when.
 *
 * @param seed from which everything follows
 */
record Plan(
    long seed, Setup setup, int clients, int leaseClients, long thinkMicros, List<Fault> faults) {
  /** Nothing goes wrong before; a leader is found meanwhile. */
  private static final long BEGIN = 2 * Agenda.SECONDS;

  /** Everything is repaired then. */
  static final long END = 22 * Agenda.SECONDS;

  private static final int[] MEMBERS = {3, 3, 3, 3, 3, 5, 5, 4, 2, 1};
  private static final int[] CATCH_UP_ENTRIES = {0, 3, 10, 50, 5000};

  static Plan of(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Setup setup = setup(random);
    int clients = 2 + random.nextInt(4);
    boolean busy = random.nextInt(6) == 0;
    long thinkMicros = (busy ? 10 + random.nextInt(30) : 30 + random.nextInt(400)) * Agenda.MILLIS;
    int count = random.nextInt(16);
    boolean changes = random.nextInt(3) > 0;
    List<Fault> faults = new ArrayList<>();
    Fault.Kind[] kinds = Fault.Kind.values();
    while (faults.size() < count) {
      Fault.Kind kind = kinds[random.nextInt(kinds.length)];
      if (changes || kind.compareTo(Fault.Kind.ADD_LEARNER) < 0) {
        faults.add(
            new Fault(
                faults.size(),
                kind,
                BEGIN + random.nextLong(END - BEGIN),
                duration(random),
                random.nextLong()));
      }
    }
    int leaseClients = random.nextInt(4);
    return new Plan(seed, setup, clients, leaseClients, thinkMicros, List.copyOf(faults));
  }

  /** Often just long enough to be noticed, often longer than an election. */
  private static long duration(SplittableRandom random) {
    return random.nextInt(3) == 0
        ? 5 * Agenda.MILLIS + random.nextLong(300 * Agenda.MILLIS)
        : (300 + random.nextInt(6000)) * Agenda.MILLIS;
  }

  private static Setup setup(SplittableRandom random) {
    boolean rough = random.nextInt(3) == 0;
    Network.Quality network =
        new Network.Quality(
            rough ? random.nextInt(15) : 0,
            rough ? random.nextInt(15) : 0,
            random.nextInt(10),
            200,
            500 + random.nextInt(20_000),
            (1 + random.nextInt(rough ? 2000 : 50)) * Agenda.MILLIS);
    long minSync = 100 + random.nextInt(1000);
    return new Setup(
        MEMBERS[random.nextInt(MEMBERS.length)],
        raft(random),
        network,
        100 * Agenda.MILLIS,
        200,
        minSync,
        minSync + 100 + random.nextInt(10_000),
        random.nextInt(4) == 0 ? 5_000 + random.nextInt(60_000) : 100 + random.nextInt(3000),
        (5 + random.nextInt(500)) * Agenda.MILLIS,
        random.nextInt(20),
        5 + random.nextInt(50),
        5_000_000_000L);
  }

  /** Bounds as in production, or so narrow that they are reached. */
  private static RaftSettings raft(SplittableRandom random) {
    boolean preVote = random.nextInt(4) > 0;
    long catchUpEntries = CATCH_UP_ENTRIES[random.nextInt(CATCH_UP_ENTRIES.length)];
    RaftSettings usual = RaftSettings.of(10, 1, preVote, catchUpEntries);
    if (random.nextBoolean()) {
      return usual;
    }
    return new RaftSettings(
        usual.electionTimeoutTicks(),
        usual.heartbeatTicks(),
        preVote,
        1 + random.nextInt(1000),
        1 + random.nextInt(8),
        1 + random.nextInt(4000),
        usual.maxUncommittedBytes(),
        1 + random.nextInt(2000),
        usual.maxHeldProposals(),
        usual.maxHeldBytes(),
        usual.requestTimeoutTicks(),
        usual.maxWaitingReads(),
        catchUpEntries,
        usual.maxLogBytes(),
        usual.maxLaggingLogBytes(),
        usual.maxTotalLogBytes());
  }

  /** The same with fewer faults. */
  Plan only(Predicate<Fault> kept) {
    return new Plan(
        seed, setup, clients, leaseClients, thinkMicros, faults.stream().filter(kept).toList());
  }
}
