package io.kvorum.verification.simulation;

import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.Ports;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import java.util.List;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Classic mistakes, each made on purpose in one place. */
final class PlantedBugs {
  private PlantedBugs() {}

  /** Runs a seed with the bug, and gives the name of the invariant that broke, or null. */
  record Bug(String name, LongFunction<@Nullable String> run) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Bug> all() {
    return Stream.of(atThePorts(), inTheSource(), inWatches()).flatMap(bugs -> bugs);
  }

  // Between the replica and the world.

  private static Stream<Bug> atThePorts() {
    return Stream.of(
        at("vote not persisted", new VoteNotPersisted()),
        at("lost sync", new LostSync()),
        at("answers before the sync", new AnswersBeforeSync()),
        at("entries applied twice", new DoubleApply()),
        at("snapshot without membership", new SnapshotWithoutMembership()),
        at("lost sync of the keyspace", new LostKeyspaceSync()),
        at("a bit flipped while it is applied", () -> new FlippedBit(new MemberId(2), 40)));
  }

  private static Bug at(String name, Tampering tampering) {
    return at(name, () -> tampering);
  }

  private static Bug at(String name, Supplier<Tampering> tampering) {
    return new Bug(
        name,
        seed -> {
          Violation failure = SeedRun.run(Plan.of(seed), tampering.get()).failure();
          return failure == null ? null : failure.invariant();
        });
  }

  private record VoteNotPersisted() implements Tampering {
    @Override
    public void machine(Member member) {
      member
          .disk()
          .keeps(
              record ->
                  record.hasHardState()
                      ? record.toBuilder()
                          .setHardState(record.getHardState().toBuilder().clearVote())
                          .build()
                      : record);
    }
  }

  private record LostSync() implements Tampering {
    @Override
    public void machine(Member member) {
      member.disk().lies();
    }
  }

  private record AnswersBeforeSync() implements Tampering {
    @Override
    public Ports ports(Life life, Ports ports) {
      return with(
          ports,
          new OtherWal(ports.wal()) {
            @Override
            public void write(HardState state, List<Entry> entries, List<Ports.Envelope> release) {
              release.forEach(e -> ports.transport().send(e.to(), e.message()));
              wal.write(state, entries, List.of());
            }
          });
    }
  }

  private record DoubleApply() implements Tampering {
    @Override
    public Ports ports(Life life, Ports ports) {
      Ports.Applier twice =
          entries -> {
            ports.applier().apply(entries);
            if (entries.getLast().index() % 50 == 0) {
              ports.applier().apply(entries);
            }
          };
      return new Ports(
          ports.transport(),
          ports.wal(),
          twice,
          ports.replies(),
          ports.observer(),
          ports.snapshots());
    }
  }

  private record SnapshotWithoutMembership() implements Tampering {
    @Override
    public Store snapshot(Store sent) {
      return new Store(
          sent.applied(),
          sent.revision(),
          sent.cells(),
          Membership.newBuilder().setClusterId(World.CLUSTER_ID).build(),
          sent.leases(),
          sent.digest(),
          sent.chain());
    }
  }

  /** The keyspace is called durable when it is not, and the log is cut behind that. */
  private record LostKeyspaceSync() implements Tampering {
    @Override
    public void machine(Member member) {
      member.storeLies();
    }
  }

  private abstract static class OtherWal implements Ports.Wal {
    final Ports.Wal wal;

    OtherWal(Ports.Wal wal) {
      this.wal = wal;
    }

    @Override
    public void write(HardState state, List<Entry> entries, List<Ports.Envelope> release) {
      wal.write(state, entries, release);
    }

    @Override
    public void compact(LogPosition base) {
      wal.compact(base);
    }
  }

  private static Ports with(Ports ports, Ports.Wal wal) {
    return new Ports(
        ports.transport(),
        wal,
        ports.applier(),
        ports.replies(),
        ports.observer(),
        ports.snapshots());
  }

  // In the source of the replica.

  private static final String RAFT = "io/kvorum/actors/raft/";

  private static Stream<Bug> inTheSource() {
    return Stream.of(
        in(
            "entry of an old term committed",
            "Leader",
            "if (reached <= before || reached < firstIndexOfTerm) {",
            "if (reached <= before) {"),
        in(
            "reads without a quorum round",
            "ReadRounds",
            "if (!Majority.holds(state.configuration().voters(), confirmedBy::contains)) {",
            "if (confirmedBy.isEmpty()) {"),
        in(
            "stale leader answers reads after a pause",
            "ReadRounds",
            "confirmedRound != round",
            "confirmedRound > round"),
        in(
            "reads before the leader has committed in its term",
            "Leader",
            "if (state.log.committed() >= firstIndexOfTerm && reads.begin()) {",
            "if (reads.begin()) {"),
        in(
            "off by one at a compaction: one entry too many stays",
            "log/RaftLog",
            "List<Entry> dropped = entries.subList(0, position(index) + 1);",
            "List<Entry> dropped = entries.subList(0, position(index));"),
        in(
            "conflicting entry kept at a truncation",
            "log/RaftLog",
            "if (!matches(entry.position())) {",
            "if (entry.index() > lastIndex() || term(entry.index()) < entry.term() - 1) {"),
        in(
            "vote for a shorter log",
            "ReplicaState",
            "return hasSnapshot && log.isUpToDate(last);",
            "return hasSnapshot;"),
        in(
            "vote given twice",
            "Role",
            "state.vote().equals(from)\n",
            "state.vote().equals(from) || state.leader().equals(MemberId.NONE)\n"),
        in(
            "leader counts itself before its own sync",
            "Followers",
            "voter.equals(state.self) ? state.log.stable() : of(voter).match()",
            "voter.equals(state.self) ? state.log.lastIndex() : of(voter).match()"),
        in(
            "follower acknowledges before its sync",
            "Passive",
            "state.acknowledge(leader, match);",
            "state.send(leader, new RaftMessage.Appended(state.term(), match));"),
        in(
            "follower acknowledges what is not synced behind what is",
            "ReplicaState",
            "match <= log.stable()",
            "match <= log.lastIndex()"),
        in(
            "heartbeat commits what was not matched",
            "Followers",
            "state.term(), Math.min(follower.match(), state.log.committed()), round)",
            "state.term(), state.log.committed(), round)"),
        in(
            "two membership changes at once",
            "Leader",
            "return isChange && state.membershipChangePending()",
            "return isChange && gatheredBytes < 0"),
        in(
            "applied before it is committed",
            "log/RaftLog",
            "Math.min(committed, stable)",
            "stable"),
        inLeases(
            "lease renewed without a quorum's word",
            "    calls.add(call, nowNanos);\n    if (primary) {",
            "    if (primary) {\n      settle(call, nowNanos);\n      return;\n    }\n    calls.add(call, nowNanos);\n    if (primary) {"),
        inLeases(
            "lease renewed, and its checkpoint left in the log",
            "} else if (table.leftSeconds(slot) != 0 || checkpointing.contains(call.lease())) {",
            "} else if (nowNanos < 0) {"),
        inLeases(
            "checkpoint behind the one that takes it back",
            "left < table.ttlSeconds(slot) && !clearing.containsKey(table.id(slot))",
            "left < table.ttlSeconds(slot)"),
        inLeases(
            "lease ended before its time",
            "        if (table.expiresAt(slot) <= nowNanos) {",
            "        if (table.expiresAt(slot) <= nowNanos + SECOND) {"));
  }

  private static Bug inLeases(String name, String original, String replacement) {
    return new Bug(name, new Patched("io/kvorum/actors/lease/Lessor.java", original, replacement));
  }

  private static Bug in(String name, String file, String original, String replacement) {
    return new Bug(name, new Patched(RAFT + file + ".java", original, replacement));
  }

  // In the source of watches.

  private static final String WATCH = "io/kvorum/actors/watch/";

  private static Stream<Bug> inWatches() {
    return Stream.of(
        watch(
            "what was published while a watch subscribed is lost",
            "WatchSession",
            "if (watcher.next <= newest) {",
            "if (watcher.next < 0) {"),
        watch(
            "a watch that falls behind skips what it falls behind with",
            "WatchFanout",
            """
                  for (var subscription : matched) {
                    fallBehind(subscription, stream, entry.revision());
            """,
            """
                  for (var subscription : matched) {
                    fallBehind(subscription, stream, entry.revision() + 1);
            """),
        watch(
            "a slot of the ring is read that was overwritten",
            "RevisionRing",
            "return entry != null && entry.revision() == revision ? entry : null;",
            "return entry;"));
  }

  private static Bug watch(String name, String file, String original, String replacement) {
    return new Bug(name, new Patched(WATCH + file + ".java", original, replacement));
  }

  /** Compiled when the first seed runs. */
  private static final class Patched implements LongFunction<@Nullable String> {
    private final String file;
    private final String original;
    private final String replacement;
    private java.lang.reflect.@Nullable Method run;

    Patched(String file, String original, String replacement) {
      this.file = file;
      this.original = original;
      this.replacement = replacement;
    }

    @Override
    public @Nullable String apply(long seed) {
      try {
        if (run == null) {
          run =
              PatchedClasses.of(file, original, replacement)
                  .loadClass(Simulate.class.getName())
                  .getDeclaredMethod("failureOf", long.class);
          run.setAccessible(true);
        }
        return (String) run.invoke(null, seed);
      } catch (ReflectiveOperationException e) {
        throw new AssertionError(e);
      }
    }
  }
}
