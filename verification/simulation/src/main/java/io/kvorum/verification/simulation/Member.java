package io.kvorum.verification.simulation;

import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.actors.wal.LogRecords;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.LogRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A machine: two disks, a clock that may go wrong, and the life of a process at a time. What the
 * log's disk holds is synced; the keyspace's may have lost its newest batches after a crash.
 */
final class Member {
  private final World world;
  private final MemberId id;
  private final LogDisk disk;
  private final SplittableRandom random;

  /** The states that the keyspace's disk may hold after a crash, the first being durable. */
  private final ArrayList<Store> stores = new ArrayList<>();

  /** Where a snapshot was put into force, until the log begins there. */
  private @Nullable LogPosition unfinishedInstall;

  private @Nullable Life life;
  private boolean paused;
  private boolean gone;
  private boolean storeLies;
  private int lives;
  private @Nullable Double clockRate;
  private long tickMicros;
  private long applyMicros;

  /**
   * @param initial with which its log begins; none for one that joins
   */
  Member(World world, MemberId id, List<Entry> initial) {
    this.world = world;
    this.id = id;
    this.random = world.random().split();
    this.disk =
        new LogDisk(
            world.agenda(),
            random.split(),
            (record, entries) -> {
              world.trace().note(id, wrote(record, entries));
              world.invariants().durable(this, record);
            });
    this.tickMicros = world.setup().tickMicros();
    this.applyMicros = world.setup().applyMicros();
    stores.add(Store.empty(World.CLUSTER_ID));
    LogRecord.Builder beginning = LogRecord.newBuilder();
    LogRecords.put(beginning, new LogIdentity(GroupId.DEFAULT, World.CLUSTER_ID, id, "simulation"));
    if (!initial.isEmpty()) {
      LogRecords.put(beginning, new HardState(1, MemberId.NONE));
      initial.forEach(e -> LogRecords.put(beginning, e));
    }
    disk.format(beginning.build());
  }

  private Wording.Wrote wrote(LogRecord record, List<Entry> entries) {
    HardState state = disk.content().hardState();
    return new Wording.Wrote(
        record.hasBase()
            ? new LogPosition(record.getBase().getIndex(), record.getBase().getTerm())
            : LogPosition.ZERO,
        state.term(),
        state.vote(),
        entries);
  }

  World world() {
    return world;
  }

  MemberId id() {
    return id;
  }

  LogDisk disk() {
    return disk;
  }

  SplittableRandom random() {
    return random;
  }

  /** Null while no process runs. */
  @Nullable Life life() {
    return life;
  }

  boolean isPaused() {
    return paused;
  }

  /** Whether it left for good. */
  boolean isGone() {
    return gone;
  }

  /** How fast the clock goes that leases go by; nothing is drawn for it where there are none. */
  double clockRate() {
    if (!world.countsLeases()) {
      return 1;
    }
    if (clockRate == null) {
      clockRate = 1 + LeaseTime.MAX_DRIFT * (2 * random.nextDouble() - 1);
    }
    return clockRate;
  }

  long tickMicros() {
    return tickMicros;
  }

  /** The clock goes fast or slow. */
  void tickMicros(long micros) {
    tickMicros = micros;
  }

  long applyMicros() {
    return applyMicros;
  }

  void applyMicros(long micros) {
    applyMicros = micros;
  }

  void start() {
    if (life == null && !gone) {
      paused = false;
      world.trace().note(id, "starts");
      life = new Life(this, ++lives);
      life.start();
    }
  }

  /**
   * Everything that was not synced may be lost, the keyspace's batches from the end. The first
   * state is on disk; it is ahead of the log only where a snapshot's installation was interrupted.
   */
  void crash() {
    Life dying = life;
    if (dying == null) {
      return;
    }
    world.trace().note(id, "crashes");
    dying.die();
    life = null;
    paused = false;
    disk.crash();
    long logged = disk.content().lastIndex();
    Violation.check(
        unfinishedInstall != null || stores.getFirst().applied().index() <= logged,
        "no keyspace ahead of its log",
        () -> id + " has stored " + stores.getFirst().applied() + ", its log ends at " + logged);
    stores.subList(1, stores.size()).removeIf(s -> s.applied().index() > logged);
    int kept = 1 + random.nextInt(stores.size());
    stores.subList(kept, stores.size()).clear();
  }

  /** As {@code kill -STOP}: the disks go on, messages wait. */
  void pause() {
    if (life != null && !paused) {
      world.trace().note(id, "is paused");
      paused = true;
    }
  }

  /** Goes on with what waited, and some of the ticks that it missed. */
  void resume() {
    if (paused) {
      world.trace().note(id, "resumes");
      paused = false;
      if (life != null) {
        life.resume();
      }
    }
  }

  /** Removed from the cluster, and told. */
  void leave() {
    crash();
    gone = true;
    world.trace().note(id, "is gone");
  }

  /** The newest state that a starting process finds. */
  Store stored() {
    return stores.getLast();
  }

  /** A batch was written, without sync. */
  void store(Store store) {
    stores.add(store);
  }

  /** All batches up to this state are durable. */
  void syncStore(Store upTo) {
    int durable = stores.indexOf(upTo);
    if (durable > 0 && !storeLies) {
      stores.subList(0, durable).clear();
    }
  }

  /** From now on the keyspace's disk syncs nothing and says that it has. */
  void storeLies() {
    storeLies = true;
  }

  /** A snapshot has replaced everything, durably. */
  void install(Store snapshot) {
    stores.clear();
    stores.add(snapshot);
    unfinishedInstall = snapshot.applied();
  }

  @Nullable LogPosition unfinishedInstall() {
    return unfinishedInstall;
  }

  void installFinished() {
    unfinishedInstall = null;
  }

  @Override
  public String toString() {
    return id.toString();
  }
}
