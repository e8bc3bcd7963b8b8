package io.kvorum.actors.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import com.typesafe.config.ConfigFactory;
import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.persistence.wal.WalJournalExtension;
import io.kvorum.persistence.wal.WalMetrics;
import io.kvorum.persistence.wal.WalSettings;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.testkit.javadsl.TestKit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A snapshot in place of the log, on the real journal. */
class WalActorTest {
  private static final LogIdentity IDENTITY =
      new LogIdentity(GroupId.DEFAULT, 5, new MemberId(2), "token");
  private static final HardState STATE = new HardState(9, new MemberId(3));

  @TempDir Path directory;
  private final BlockingQueue<WalActor.Event> events = new LinkedBlockingQueue<>();
  private ActorSystem system;
  private ActorRef wal;

  @BeforeEach
  void open() {
    system = ActorSystem.create("wal", ConfigFactory.load());
    WalJournalExtension.get(system).open(WalSettings.in(directory), WalMetrics.NONE);
    wal = system.actorOf(WalActor.props(GroupId.DEFAULT, events::add));
  }

  @AfterEach
  void close() {
    TestKit.shutdownActorSystem(system);
  }

  private <T extends WalActor.Event> T expect(Class<T> kind) throws InterruptedException {
    WalActor.Event event = events.poll(20, TimeUnit.SECONDS);
    while (event instanceof WalActor.Written && kind != WalActor.Written.class) {
      event = events.poll(20, TimeUnit.SECONDS);
    }
    return kind.cast(event);
  }

  private void tell(WalActor.Command command) {
    wal.tell(command, ActorRef.noSender());
  }

  private void write(HardState state, long from, long to, long term) {
    List<Entry> entries =
        LongStream.rangeClosed(from, to)
            .mapToObj(i -> new Entry(i, term, EntryKind.COMMAND, ByteString.EMPTY))
            .toList();
    tell(new WalActor.Write(state, entries, List.of()));
  }

  private RecoveredLog reopen() throws InterruptedException {
    close();
    events.clear();
    open();
    return expect(WalActor.Recovered.class).log();
  }

  @Test
  void identityAndHardStateStayAndNoEntryDoes() throws Exception {
    expect(WalActor.Recovered.class);
    tell(new WalActor.Initialise(IDENTITY));
    for (long i = 1; i <= 40; i += 4) {
      write(STATE, i, i + 3, 2);
    }
    // The snapshot ends in the middle of what the log holds, of another term.
    LogPosition base = new LogPosition(30, 8);
    tell(new WalActor.Replace(base));
    assertEquals(base, expect(WalActor.Replaced.class).base());
    assertEquals(new RecoveredLog(IDENTITY, STATE, base, List.of()), reopen());
    write(STATE, 31, 33, 9);
    expect(WalActor.Written.class);
    RecoveredLog log = reopen();
    assertEquals(base, log.base());
    assertEquals(new LogPosition(33, 9), log.last());
    assertEquals(3, log.entries().size());
  }

  @Test
  void aSnapshotFarAheadOfTheLog() throws Exception {
    expect(WalActor.Recovered.class);
    tell(new WalActor.Initialise(IDENTITY));
    write(STATE, 1, 3, 2);
    LogPosition base = new LogPosition(1_000_000, 8);
    tell(new WalActor.Replace(base));
    write(new HardState(10, MemberId.NONE), 1_000_001, 1_000_002, 10);
    expect(WalActor.Replaced.class);
    expect(WalActor.Written.class);
    RecoveredLog log = reopen();
    assertEquals(base, log.base());
    assertEquals(new HardState(10, MemberId.NONE), log.hardState());
    assertEquals(1_000_002, log.lastIndex());
  }

  /** Who was not sure that he was heard asks again; nothing that came meanwhile is lost. */
  @Test
  void aRepetitionDoesNothingMore() throws Exception {
    expect(WalActor.Recovered.class);
    tell(new WalActor.Initialise(IDENTITY));
    write(STATE, 1, 3, 2);
    LogPosition base = new LogPosition(50, 8);
    tell(new WalActor.Replace(base));
    tell(new WalActor.Replace(base));
    assertEquals(base, expect(WalActor.Replaced.class).base());
    assertEquals(base, expect(WalActor.Replaced.class).base());
    assertEquals(base, reopen().base());
    tell(new WalActor.Replace(base));
    assertEquals(base, expect(WalActor.Replaced.class).base());
  }
}
