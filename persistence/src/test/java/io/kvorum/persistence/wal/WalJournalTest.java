package io.kvorum.persistence.wal;

import static io.kvorum.persistence.wal.WalFixture.PATIENCE;
import static io.kvorum.persistence.wal.WalFixture.atomic;
import static io.kvorum.persistence.wal.WalFixture.repr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.persistence.wal.WalFixture.Replayed;
import io.kvorum.persistence.wal.WalFixture.Text;
import java.io.NotSerializableException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.persistence.AtomicWrite;
import org.apache.pekko.persistence.JournalProtocol;
import org.apache.pekko.persistence.JournalProtocol.WriteMessageFailure;
import org.apache.pekko.persistence.JournalProtocol.WriteMessageRejected;
import org.apache.pekko.persistence.JournalProtocol.WriteMessageSuccess;
import org.apache.pekko.persistence.JournalProtocol.WriteMessagesFailed;
import org.apache.pekko.persistence.JournalProtocol.WriteMessagesSuccessful$;
import org.apache.pekko.persistence.PersistentRepr;
import org.apache.pekko.testkit.javadsl.TestKit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a journal owes to persistent actors, as Pekko's own compatibility kit asserts it, with
 * rejection, serialization, metadata and atomic writes of several events among it. Each test starts
 * with events 1 to 5, the last two in one atomic write.
 */
class WalJournalTest {

  private static final String PID = "p-1";
  private static final String WRITER = UUID.randomUUID().toString();

  @TempDir Path directory;
  private WalFixture wal;
  private TestKit sender;

  @BeforeEach
  void writeFive() {
    wal = WalFixture.open(directory);
    sender = new TestKit(wal.system);
    writeFive(PID);
  }

  private void writeFive(String persistenceId) {
    wal.write(
        sender,
        atomic(text(persistenceId, 1)),
        atomic(text(persistenceId, 2)),
        atomic(text(persistenceId, 3)),
        atomic(text(persistenceId, 4), text(persistenceId, 5)));
    expectSuccess(persistenceId, 1, 5);
  }

  @AfterEach
  void close() {
    wal.close();
  }

  private PersistentRepr text(String persistenceId, long sequence) {
    return repr(persistenceId, sequence, "a-" + sequence, WRITER);
  }

  private void expectSuccess(String persistenceId, long from, long to) {
    sender.expectMsg(PATIENCE, WriteMessagesSuccessful$.MODULE$);
    for (long sequence = from; sequence <= to; sequence++) {
      WriteMessageSuccess success = sender.expectMsgClass(PATIENCE, WriteMessageSuccess.class);
      assertEquals(persistenceId, success.persistent().persistenceId());
      assertEquals(sequence, success.persistent().sequenceNr());
      assertEquals(1, success.actorInstanceId());
    }
  }

  private void assertReplayed(List<Long> sequences, Replayed replayed) {
    assertEquals(sequences, replayed.sequences());
    assertEquals(5, replayed.highest());
    for (PersistentRepr event : replayed.events()) {
      assertEquals(text(event.persistenceId(), event.sequenceNr()), event);
    }
  }

  @Test
  void replaysAll() {
    assertReplayed(List.of(1L, 2L, 3L, 4L, 5L), wal.replay(PID));
  }

  @Test
  void replaysRangesAndLimits() {
    long all = Long.MAX_VALUE;
    assertReplayed(List.of(3L, 4L, 5L), wal.replay(PID, 3, all, all));
    assertReplayed(List.of(1L, 2L, 3L), wal.replay(PID, 1, 3, all));
    assertReplayed(List.of(1L, 2L, 3L), wal.replay(PID, 1, all, 3));
    assertReplayed(List.of(2L, 3L), wal.replay(PID, 2, 3, all));
    assertReplayed(List.of(2L, 3L), wal.replay(PID, 2, 5, 2));
    assertReplayed(List.of(2L), wal.replay(PID, 2, 2, all));
    assertReplayed(List.of(2L), wal.replay(PID, 2, 4, 1));
    assertReplayed(List.of(), wal.replay(PID, 2, 4, 0));
    assertReplayed(List.of(), wal.replay(PID, 3, 2, all));
    assertReplayed(List.of(1L, 2L, 3L, 4L, 5L), wal.replay(PID, 0, all, all));
  }

  @Test
  void nothingOfAPersistenceIdThatNeverWrote() {
    Replayed nothing = wal.replay("never", 0, Long.MAX_VALUE, Long.MAX_VALUE);
    assertEquals(List.of(), nothing.events());
    assertEquals(0, nothing.highest());
  }

  @Test
  void doesNotReplayDeleted() {
    TestKit published = new TestKit(wal.system);
    wal.system.eventStream().subscribe(published.getRef(), JournalProtocol.DeleteMessagesTo.class);
    wal.delete(PID, 3);
    published.expectMsgClass(PATIENCE, JournalProtocol.DeleteMessagesTo.class);
    assertReplayed(List.of(4L, 5L), wal.replay(PID));
    assertReplayed(List.of(4L, 5L), wal.replay(PID, 3, Long.MAX_VALUE, Long.MAX_VALUE));
    assertReplayed(List.of(4L, 5L), wal.replay(PID, 4, Long.MAX_VALUE, Long.MAX_VALUE));
    assertReplayed(List.of(), wal.replay(PID, 1, 2, Long.MAX_VALUE));
    assertReplayed(List.of(), wal.replay(PID, 1, 3, Long.MAX_VALUE));
    assertReplayed(List.of(4L), wal.replay(PID, 1, 4, Long.MAX_VALUE));
    wal.delete(PID, 2);
    assertReplayed(List.of(4L, 5L), wal.replay(PID));
  }

  @Test
  void keepsTheHighestNumberWhenAllIsDeletedAlsoAfterARestart() {
    wal.delete(PID, Long.MAX_VALUE);
    assertReplayed(List.of(), wal.replay(PID));
    restart();
    assertReplayed(List.of(), wal.replay(PID));
    wal.write(sender, atomic(text(PID, 6)));
    expectSuccess(PID, 6, 6);
    assertEquals(List.of(6L), wal.replay(PID).sequences());
  }

  @Test
  void deletingNothing() {
    wal.delete("never", 10);
    assertEquals(0, wal.replay("never").highest());
  }

  @Test
  void replaysTheSameAfterARestart() {
    wal.delete(PID, 1);
    restart();
    assertReplayed(List.of(2L, 3L, 4L, 5L), wal.replay(PID));
    String second = UUID.randomUUID().toString();
    wal.write(sender, atomic(repr(PID, 6, "a-6", second), repr(PID, 7, "a-7", second)));
    expectSuccess(PID, 6, 7);
    restart();
    List<PersistentRepr> events = wal.replay(PID).events();
    assertEquals(WRITER, events.get(3).writerUuid());
    assertEquals(second, events.get(4).writerUuid());
    assertEquals(second, events.get(5).writerUuid());
  }

  private void restart() {
    wal.close();
    wal = WalFixture.open(directory);
    sender = new TestKit(wal.system);
  }

  @Test
  void persistenceIdsAreApart() {
    List<String> ids =
        List.of(
            "p",
            "p-",
            "p-11",
            "p-1/x",
            "p-1|2",
            "%41",
            "ü€😀",
            "a b\n\t\0",
            "-1",
            "x".repeat(3000));
    for (String id : ids) {
      writeFive(id);
    }
    wal.delete("p", 5);
    wal.delete("p-11", 2);
    restart();
    for (String id : ids) {
      List<Long> left =
          id.equals("p")
              ? List.of()
              : id.equals("p-11") ? List.of(3L, 4L, 5L) : List.of(1L, 2L, 3L, 4L, 5L);
      assertReplayed(left, wal.replay(id));
    }
    assertReplayed(List.of(1L, 2L, 3L, 4L, 5L), wal.replay(PID));
  }

  @Test
  void rejectsWhatCannotBeSerializedAndOnlyThat() {
    Object hopeless =
        new Object() {
          @Override
          public String toString() {
            return "not serializable";
          }
        };
    wal.write(
        sender,
        atomic(text(PID, 6)),
        atomic(text(PID, 7), repr(PID, 8, hopeless, WRITER)),
        atomic(text(PID, 9)));
    sender.expectMsg(PATIENCE, WriteMessagesSuccessful$.MODULE$);
    assertEquals(
        6, sender.expectMsgClass(PATIENCE, WriteMessageSuccess.class).persistent().sequenceNr());
    for (long sequence : List.of(7L, 8L)) {
      WriteMessageRejected rejected = sender.expectMsgClass(PATIENCE, WriteMessageRejected.class);
      assertEquals(sequence, rejected.message().sequenceNr());
      assertInstanceOf(NotSerializableException.class, rejected.cause());
    }
    assertEquals(
        9, sender.expectMsgClass(PATIENCE, WriteMessageSuccess.class).persistent().sequenceNr());
    // What was rejected is in no replay, and its missing numbers are no damage.
    assertEquals(
        List.of(5L, 6L, 9L), wal.replay(PID, 5, Long.MAX_VALUE, Long.MAX_VALUE).sequences());
    restart();
    assertEquals(
        List.of(5L, 6L, 9L), wal.replay(PID, 5, Long.MAX_VALUE, Long.MAX_VALUE).sequences());
    assertEquals(9, wal.replay(PID).highest());
  }

  @Test
  void serializesEventsAndMetadata() {
    Text event = new Text("some text", sender.getRef());
    wal.write(sender, atomic(repr(PID, 6, event, WRITER).withMetadata("meta").withTimestamp(4711)));
    expectSuccess(PID, 6, 6);
    PersistentRepr replayed = wal.replay(PID, 6, 6, 1).events().getFirst();
    assertEquals(event, replayed.payload());
    assertEquals("meta", replayed.metadata().get());
    assertEquals(4711, replayed.timestamp());
    assertEquals(WRITER, replayed.writerUuid());
  }

  @Test
  void storesOwnRecordsAsTheyAre() {
    WalRecord plain = new WalRecord(new byte[] {1, 2, 3});
    WalRecord empty = new WalRecord(new byte[0]);
    wal.write(
        sender,
        atomic(repr(PID, 6, plain, WRITER)),
        atomic(repr(PID, 7, empty, WRITER).withMetadata("m")));
    expectSuccess(PID, 6, 7);
    List<PersistentRepr> replayed = wal.replay(PID, 6, 7, 2).events();
    assertEquals(plain, replayed.getFirst().payload());
    assertEquals(empty, replayed.getLast().payload());
    assertEquals("m", replayed.getLast().metadata().get());
  }

  @Test
  void twoWritersOfOnePersistenceIdAreNoticed() {
    wal.write(sender, atomic(text(PID, 5)));
    assertInstanceOf(
        IllegalStateException.class,
        sender.expectMsgClass(PATIENCE, WriteMessagesFailed.class).cause());
    sender.expectMsgClass(PATIENCE, WriteMessageFailure.class);
    wal.write(sender, atomic(text(PID, 7)));
    sender.expectMsgClass(PATIENCE, WriteMessagesFailed.class);
    sender.expectMsgClass(PATIENCE, WriteMessageFailure.class);
    assertReplayed(List.of(1L, 2L, 3L, 4L, 5L), wal.replay(PID));
    wal.write(sender, atomic(text(PID, 6)));
    expectSuccess(PID, 6, 6);
  }

  @Test
  void logThatBeginsBehindASnapshot() {
    wal.write(sender, atomic(text("late", 101), text("late", 102)));
    expectSuccess("late", 101, 102);
    restart();
    assertEquals(List.of(101L, 102L), wal.replay("late").sequences());
    assertEquals(102, wal.replay("late").highest());
  }

  /**
   * What arrives while one batch is being synced becomes one next batch, over all persistence ids.
   */
  @Test
  void groupsWhatArrivesDuringASync() throws Exception {
    wal.close();
    Semaphore mayEnd = new Semaphore(0);
    CountDownLatch inFirstSync = new CountDownLatch(1);
    BlockingQueue<Integer> batches = new LinkedBlockingQueue<>();
    wal =
        WalFixture.open(
            WalSettings.in(directory),
            (nanos, records, bytes) -> {
              batches.add(records);
              inFirstSync.countDown();
              mayEnd.acquireUninterruptibly();
            });
    List<TestKit> writers = new ArrayList<>();
    for (int i = 0; i < 51; i++) {
      TestKit writer = new TestKit(wal.system);
      writers.add(writer);
      AtomicWrite two = atomic(text("group-" + i, 1), text("group-" + i, 2));
      wal.write(writer, two);
      if (i == 0) {
        assertTrue(inFirstSync.await(20, TimeUnit.SECONDS));
      }
    }
    mayEnd.release(1000);
    for (TestKit writer : writers) {
      writer.expectMsg(PATIENCE, WriteMessagesSuccessful$.MODULE$);
    }
    assertEquals(List.of(2, 100), List.copyOf(batches));
  }
}
