package io.kvorum.persistence.wal;

import static io.kvorum.persistence.wal.WalFixture.PATIENCE;
import static io.kvorum.persistence.wal.WalFixture.atomic;
import static io.kvorum.persistence.wal.WalFixture.repr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.LevelDbOptions;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.persistence.testing.ChildProcess;
import io.kvorum.persistence.testing.SmallDisk;
import io.kvorum.persistence.wal.WalFixture.Replayed;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.actor.Props;
import org.apache.pekko.persistence.AbstractPersistentActor;
import org.apache.pekko.persistence.JournalProtocol.WriteMessageFailure;
import org.apache.pekko.persistence.JournalProtocol.WriteMessageSuccess;
import org.apache.pekko.persistence.JournalProtocol.WriteMessagesFailed;
import org.apache.pekko.persistence.JournalProtocol.WriteMessagesSuccessful$;
import org.apache.pekko.persistence.PersistentRepr;
import org.apache.pekko.testkit.javadsl.TestKit;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The log under SIGKILL, on a full disk, on one that others hold. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class WalFaultTest {

  private static final String SEED = "kvorum.seed";
  private static final LevelDbOptions SMALL =
      LevelDbOptions.defaults().withWriteBufferBytes(256 << 10).withMinFreeBytes(16L << 20);
  private static final int KILLS = 4;
  private static final int ACTORS = 3;

  @TempDir Path directory;

  /**
   * Whatever a process had acknowledged when it was killed is there, without gaps, and no number is
   * given out twice.
   */
  @Test
  void acknowledgedEventsSurviveSigkill() throws Exception {
    long seed = Long.getLong(SEED, System.nanoTime());
    Random random = new Random(seed);
    long[] acknowledged = new long[ACTORS];
    for (int cycle = 0; cycle < KILLS; cycle++) {
      String replay = "cycle " + cycle + "; replay with -D" + SEED + "=" + seed;
      try (ChildProcess child = ChildProcess.start(Writer.class, directory.toString())) {
        int lines = 200 + random.nextInt(2_000);
        for (int i = 0; i < lines; i++) {
          note(acknowledged, Objects.requireNonNull(child.line()));
        }
        child.kill();
        for (String line = child.line(); line != null && line.endsWith("."); line = child.line()) {
          note(acknowledged, line);
        }
      }
      try (WalFixture wal = WalFixture.open(directory)) {
        for (int actor = 0; actor < ACTORS; actor++) {
          Replayed replayed = wal.replay("writer-" + actor);
          assertTrue(
              replayed.highest() >= acknowledged[actor],
              () -> "acknowledged up to more than " + replayed.highest() + ", " + replay);
          assertEquals(replayed.highest(), replayed.events().size(), replay);
          for (PersistentRepr event : replayed.events()) {
            byte[] bytes = ((WalRecord) event.payload()).bytes();
            assertEquals(event.sequenceNr(), ByteBuffer.wrap(bytes).getLong(), replay);
          }
        }
      }
    }
  }

  private static void note(long[] acknowledged, String line) {
    String[] parts = line.substring(0, line.length() - 1).split(" ", 2);
    int actor = Integer.parseInt(parts[0]);
    acknowledged[actor] = Math.max(acknowledged[actor], Long.parseLong(parts[1]));
  }

  /** The child: actors that write in a loop and say each acknowledged number. */
  static final class Writer extends AbstractPersistentActor {
    private static final int WINDOW = 8;

    private final int number;
    private final Random random = new Random();

    /** The last number given out; Pekko's own counts only what is stored already. */
    private long given;

    private Writer(int number) {
      this.number = number;
    }

    public static void main(String[] args) throws Exception {
      ActorSystem system = ActorSystem.create("writers", WalFixture.config());
      WalJournalExtension.get(system).open(WalSettings.in(Path.of(args[0])), WalMetrics.NONE);
      for (int i = 0; i < ACTORS; i++) {
        int number = i;
        ActorRef writer = system.actorOf(Props.create(Writer.class, () -> new Writer(number)));
        for (int n = 0; n < WINDOW; n++) {
          writer.tell("write", ActorRef.noSender());
        }
      }
      ChildProcess.waitForEndOfInput();
      system.terminate();
    }

    @Override
    public String persistenceId() {
      return "writer-" + number;
    }

    @Override
    public String journalPluginId() {
      return WalFixture.PLUGIN;
    }

    @Override
    public Receive createReceiveRecover() {
      return receiveBuilder().match(WalRecord.class, event -> given++).build();
    }

    @Override
    public Receive createReceive() {
      return receiveBuilder().matchEquals("write", w -> write()).build();
    }

    private void write() {
      long next = ++given;
      byte[] bytes = ByteBuffer.allocate(8 + random.nextInt(40_000)).putLong(next).array();
      persistAsync(
          new WalRecord(bytes),
          event -> {
            ChildProcess.say(number + " " + next + ".");
            self().tell("write", self());
          });
    }
  }

  @Test
  void secondProcessOnTheSameLogIsRefused() throws Exception {
    try (ChildProcess child = ChildProcess.start(Writer.class, directory.toString())) {
      assertNotNull(child.line());
      StorageException refused =
          assertThrows(StorageException.class, () -> WalFixture.open(directory));
      assertEquals(StorageException.Reason.LOCKED, refused.reason());
    }
  }

  @Test
  void fullDiskFailsWritesUntilThereIsSpace() throws Exception {
    try (SmallDisk disk = SmallDisk.mount(directory.resolve("disk"), 48)) {
      WalSettings settings = WalSettings.in(disk.path().resolve("wal")).withLevelDb(SMALL);
      List<StorageException> told = new CopyOnWriteArrayList<>();
      WalMetrics metrics =
          new WalMetrics() {
            @Override
            public void fsync(long nanos, int records, long bytes) {}

            @Override
            public void failed(StorageException failure) {
              told.add(failure);
            }
          };
      long last = 0;
      try (WalFixture wal = WalFixture.open(settings, metrics)) {
        TestKit sender = new TestKit(wal.system);
        while (told.isEmpty() && last < 100_000) {
          last += write(wal, sender, last + 1) ? 1 : 0;
        }
        assertEquals(StorageException.Reason.FULL, told.getFirst().reason());
        // Nothing of a failed write is there, reads go on, and the number is free again.
        assertEquals(last, wal.replay("p").highest());
        // What LevelDB's background work gives back meanwhile must not decide the outcome.
        Path filler = Files.write(disk.path().resolve("filler"), new byte[8 << 20]);
        assertFalse(write(wal, sender, last + 1));
        Files.delete(filler);
        disk.grow(128);
        assertTrue(write(wal, sender, last + 1));
        assertEquals(last + 1, wal.replay("p").events().size());
      }
      try (WalFixture wal = WalFixture.open(settings, metrics)) {
        assertEquals(last + 1, wal.replay("p").events().size());
      }
    }
  }

  /** A log that has filled its disk gets out of that by itself, once it may be truncated. */
  @RepeatedTest(3)
  void truncationMakesRoomOnAFullDisk() throws Exception {
    try (SmallDisk disk = SmallDisk.mount(directory.resolve("disk"), 48)) {
      WalSettings settings =
          WalSettings.in(disk.path().resolve("wal"))
              .withLevelDb(SMALL)
              .withCompactAfterBytes(1 << 20);
      try (WalFixture wal = WalFixture.open(settings, WalMetrics.NONE)) {
        TestKit sender = new TestKit(wal.system);
        long last = 0;
        while (write(wal, sender, last + 1)) {
          last++;
        }
        wal.delete("p", last);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!write(wal, sender, last + 1)) {
          assertTrue(System.nanoTime() < deadline, "still no room");
        }
        assertEquals(List.of(last + 1), wal.replay("p").sequences());
      }
    }
  }

  private static boolean write(WalFixture wal, TestKit sender, long sequence) {
    byte[] noise = new byte[16 << 10];
    new Random(sequence).nextBytes(noise);
    wal.write(sender, atomic(repr("p", sequence, new WalRecord(noise), "w")));
    Object answer = sender.receiveOne(PATIENCE);
    if (answer == WriteMessagesSuccessful$.MODULE$) {
      sender.expectMsgClass(PATIENCE, WriteMessageSuccess.class);
      return true;
    }
    StorageException cause =
        assertInstanceOf(
            StorageException.class, assertInstanceOf(WriteMessagesFailed.class, answer).cause());
    assertTrue(String.valueOf(cause.getMessage()).contains("disk full"), cause.getMessage());
    sender.expectMsgClass(PATIENCE, WriteMessageFailure.class);
    return false;
  }

  @Test
  void damagedEventFailsTheRecoveryOfItsActorOnly() {
    try (WalFixture wal = WalFixture.open(directory)) {
      TestKit sender = new TestKit(wal.system);
      for (String id : List.of("p", "q")) {
        wal.write(
            sender,
            atomic(repr(id, 1, "one", "w"), repr(id, 2, "two", "w"), repr(id, 3, "three", "w")));
        sender.expectMsg(PATIENCE, WriteMessagesSuccessful$.MODULE$);
        sender.receiveN(3, PATIENCE);
      }
    }
    try (LevelDb raw = LevelDb.open(directory, LevelDbOptions.defaults());
        LevelDb.Batch batch = raw.batch()) {
      batch.delete(WalFormat.key(WalFormat.EVENTS, 1, 2));
      raw.write(batch, true);
    }
    try (WalFixture wal = WalFixture.open(directory)) {
      Throwable cause = wal.failedReplay("p", 1);
      assertInstanceOf(StorageException.class, cause);
      assertTrue(
          String.valueOf(cause.getMessage()).contains("event 2 is missing"), cause.getMessage());
      assertEquals(3, wal.replay("q").events().size());
    }
  }

  @Test
  void extensionOpensOnceAndByConfigurationIfNobodyDid() {
    ActorSystem system =
        ActorSystem.create(
            "configured",
            ConfigFactory.parseString(
                    "kvorum.wal.journal.directory = \"" + directory.resolve("set") + "\"")
                .withFallback(WalFixture.config()));
    List<Throwable> refused = new ArrayList<>();
    try {
      WalJournalExtension extension = WalJournalExtension.get(system);
      extension.store();
      assertTrue(directory.resolve("set/CURRENT").toFile().exists());
      refused.add(
          assertThrows(
              IllegalStateException.class,
              () -> extension.open(WalSettings.in(directory), WalMetrics.NONE)));
    } finally {
      system.terminate();
      system.getWhenTerminated().toCompletableFuture().orTimeout(60, TimeUnit.SECONDS).join();
    }
    assertEquals(1, refused.size());
    // The log was closed with the system, so it can be opened again.
    WalFixture.open(directory.resolve("set")).close();
  }
}
