package io.kvorum.verification.simulation;

import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.actors.raft.log.RaftLog;
import io.kvorum.protocol.LogPosition;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Log matching and leader append-only (thesis figure 3.2). Where two logs have an entry with the
 * same index and term it is the same entry, and so is the one before it; from that follows, one
 * entry after the other, that the logs agree up to there.
 */
final class LogInvariants implements Invariant {
  /** An entry as it was first seen, and the term of the one before it; -1 where unknown. */
  private record Known(Entry entry, long previousTerm) {}

  private final Map<LogPosition, Known> entries = new HashMap<>();

  @Override
  public void writes(Life life, HardState hardState, List<Entry> written) {
    RaftLog log = life.log();
    for (Entry entry : written) {
      oneChangeAtATime(life, entry);
      long previous =
          log.knows(entry.index() - 1) && log.knows(entry.index())
              ? log.term(entry.index() - 1)
              : -1;
      Known known = entries.putIfAbsent(entry.position(), new Known(entry, previous));
      if (known != null && existedInMemoryOnly(life, entry)) {
        entries.put(entry.position(), new Known(entry, previous));
        continue;
      }
      if (known == null) {
        continue;
      }
      Violation.check(
          known.entry().equals(entry)
              && (known.previousTerm() == previous || known.previousTerm() == -1 || previous == -1),
          "log matching",
          () ->
              life.id()
                  + " has "
                  + Wording.entry(entry)
                  + " behind term "
                  + previous
                  + ", another has "
                  + Wording.entry(known.entry())
                  + " behind term "
                  + known.previousTerm());
    }
  }

  /**
   * Whose disk refused to take an entry, and who is all there is, forgets it and tells the caller:
   * it never existed, and its place is free.
   */
  private static boolean existedInMemoryOnly(Life life, Entry entry) {
    return life.isAlone() && !life.member().disk().content().holds(entry.index(), entry.term());
  }

  /** A leader appends a membership change only when it has applied the one before (4.1). */
  private static void oneChangeAtATime(Life life, Entry entry) {
    boolean own = life.leadingTerm() != 0 && entry.term() == life.leadingTerm();
    if (own && entry.kind() == EntryKind.MEMBERSHIP) {
      Violation.check(
          !life.log().changesMembership(life.configurationIndex(), entry.index() - 1),
          "one membership change at a time",
          () -> life.id() + " appends " + Wording.entry(entry) + " before it applied the last one");
    }
  }

  @Override
  public void leads(Life life, long term) {
    life.lastAsLeader(life.log().last());
  }

  @Override
  public void handled(Life life) {
    if (life.leadingTerm() == 0) {
      return;
    }
    LogPosition before = life.lastAsLeader();
    RaftLog log = life.log();
    Violation.check(
        log.base().index() > before.index() || log.matches(before) || life.isAlone(),
        "leader append-only",
        () -> "leader " + life.id() + " lost entry " + Wording.at(before) + " from " + log);
    life.lastAsLeader(log.last());
  }
}
