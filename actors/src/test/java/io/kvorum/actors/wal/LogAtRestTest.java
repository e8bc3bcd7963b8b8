package io.kvorum.actors.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.typesafe.config.ConfigFactory;
import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.persistence.wal.WalJournalExtension;
import io.kvorum.persistence.wal.WalMetrics;
import io.kvorum.persistence.wal.WalSettings;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.testkit.javadsl.TestKit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is found in a log that the server's own actor has written. */
class LogAtRestTest {
  private static final LogIdentity IDENTITY =
      new LogIdentity(GroupId.DEFAULT, 5, new MemberId(2), "token");

  @TempDir Path directory;
  private final BlockingQueue<WalActor.Event> events = new LinkedBlockingQueue<>();

  private static List<Entry> entries(long from, long to, long term) {
    return LongStream.rangeClosed(from, to)
        .mapToObj(
            i -> new Entry(i, term, EntryKind.COMMAND, ByteString.copyFromUtf8(i + " of " + term)))
        .toList();
  }

  private LogAtRest open() {
    return LogAtRest.open(WalSettings.in(directory), GroupId.DEFAULT);
  }

  private void write(WalActor.Command... commands) throws InterruptedException {
    ActorSystem system = ActorSystem.create("wal", ConfigFactory.load());
    try {
      WalJournalExtension.get(system).open(WalSettings.in(directory), WalMetrics.NONE);
      ActorRef wal = system.actorOf(WalActor.props(GroupId.DEFAULT, events::add));
      expect(WalActor.Recovered.class);
      wal.tell(new WalActor.Initialise(IDENTITY), ActorRef.noSender());
      for (WalActor.Command command : commands) {
        wal.tell(command, ActorRef.noSender());
        expect(
            command instanceof WalActor.Replace ? WalActor.Replaced.class : WalActor.Written.class);
      }
      assertThrows(StorageException.class, this::open, "a server holds it");
    } finally {
      TestKit.shutdownActorSystem(system);
    }
  }

  private void expect(Class<? extends WalActor.Event> kind) throws InterruptedException {
    WalActor.Event event = events.poll(20, TimeUnit.SECONDS);
    assertNotNull(event, "no " + kind);
    assertEquals(kind, event.getClass());
  }

  private static WalActor.Write append(long from, long to, long term) {
    return new WalActor.Write(
        new HardState(term, MemberId.NONE), entries(from, to, term), List.of());
  }

  private static List<Entry> read(LogAtRest log, long from, int limit) {
    List<Entry> found = new ArrayList<>();
    log.entries(
        from,
        entry -> {
          found.add(entry);
          return found.size() < limit;
        });
    return found;
  }

  @Test
  void givesEachEntryAsItWasWrittenLast() throws Exception {
    write(append(1, 4, 1), append(5, 9, 1), append(3, 6, 2), append(7, 7, 3));
    List<Entry> expected = new ArrayList<>(entries(1, 2, 1));
    expected.addAll(entries(3, 6, 2));
    expected.addAll(entries(7, 7, 3));
    try (LogAtRest log = open()) {
      assertEquals(expected, read(log, 0, 100));
      assertEquals(expected.subList(3, 5), read(log, 4, 2));
      assertEquals(List.of(), read(log, 8, 100));
      assertEquals(IDENTITY, log.outline().identity());
      assertEquals(7, log.outline().lastIndex());
    }
  }

  @Test
  void takesANewerTerm() throws Exception {
    write(append(1, 4, 1));
    HardState newer = new HardState(9, MemberId.NONE);
    try (LogAtRest log = open()) {
      log.append(newer);
    }
    try (LogAtRest log = open()) {
      assertEquals(newer, log.outline().hardState());
      assertEquals(entries(1, 4, 1), read(log, 0, 100));
    }
  }

  @Test
  void beginsBehindASnapshot() throws Exception {
    write(append(1, 9, 1), new WalActor.Replace(new LogPosition(6, 2)), append(7, 8, 3));
    try (LogAtRest log = open()) {
      assertEquals(new LogPosition(6, 2), log.outline().base());
      assertEquals(entries(7, 8, 3), read(log, 0, 100));
    }
  }

  @Test
  void refusesWhatIsNone() throws IOException {
    StorageException refused = assertThrows(StorageException.class, this::open);
    assertTrue(String.valueOf(refused.getMessage()).contains("there is no write-ahead log in"));
    try (Stream<Path> left = Files.list(directory)) {
      assertEquals(List.of(), left.toList());
    }
  }
}
