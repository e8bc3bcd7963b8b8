package io.kvorum.actors.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.kvorum.actors.raft.RaftMessage;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.actors.snapshot.SnapshotMessage;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Two processes over real TCP. */
class PeerNetworkTest {
  private static final MemberId ONE = new MemberId(1);
  private static final MemberId TWO = new MemberId(2);
  private static final RaftMessage HEARTBEAT = new RaftMessage.Heartbeat(3, 2, 1);

  private final PeerProcess one = PeerProcess.start();
  private PeerProcess two = PeerProcess.start();

  @AfterEach
  void stop() {
    one.close();
    two.close();
  }

  private Membership both() {
    return PeerProcess.membership(Map.of(1L, one.address(), 2L, two.address()));
  }

  private static Object take(PeerProcess process) throws InterruptedException {
    Object message = process.received.poll(PeerProcess.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    if (message == null) {
      throw new AssertionError("nothing came");
    }
    return message;
  }

  @Test
  void messagesOfEachLaneArriveAndQuestionsAreAnswered() throws Exception {
    GroupPeers fromOne = one.join(1);
    two.join(2).members(both());
    fromOne.members(both());
    PeerProcess.await("contact", () -> isConnected(fromOne, TWO));

    List<Object> sent =
        List.of(
            HEARTBEAT,
            new RaftMessage.Append(
                3,
                new LogPosition(1, 1),
                List.of(new Entry(2, 3, EntryKind.COMMAND, ByteString.copyFromUtf8("x"))),
                1),
            new SnapshotMessage.Chunk(
                1, 2, ByteString.copyFrom(new byte[SnapshotMessage.MAX_CHUNK_BYTES]), 3));
    for (Object message : sent) {
      if (message instanceof RaftMessage raft) {
        fromOne.send(TWO, raft);
      } else {
        fromOne.send(TWO, (SnapshotMessage) message);
      }
      assertEquals(message, take(two));
    }

    ByteString answer =
        fromOne
            .ask(TWO, ByteString.copyFromUtf8("well"), PeerProcess.PATIENCE)
            .toCompletableFuture()
            .join();
    assertEquals("well!", answer.toStringUtf8());
    assertEquals(PeerProcess.VERSION, link(fromOne, TWO).serverVersion());
    assertTrue(link(fromOne, TWO).connectedFor().toNanos() > 0);
  }

  @Test
  void theLargestEntryFitsIntoAFrame() throws Exception {
    GroupPeers fromOne = one.join(1);
    two.join(2).members(both());
    fromOne.members(both());
    PeerProcess.await("contact", () -> isConnected(fromOne, TWO));
    RaftMessage append =
        new RaftMessage.Append(
            3,
            new LogPosition(1, 1),
            List.of(
                new Entry(
                    2,
                    3,
                    EntryKind.COMMAND,
                    ByteString.copyFrom(new byte[(int) PeerProcess.MAX_MESSAGE_BYTES]))),
            1);
    fromOne.send(TWO, append);
    assertEquals(append, take(two));
  }

  @Test
  void anotherClusterIsRefusedAndNotHeard() throws Exception {
    long other = PeerProcess.CLUSTER + 1;
    GroupPeers stranger = one.join(other, 1);
    GroupPeers home = two.join(2);
    home.members(both());
    stranger.members(both());
    for (int i = 0; i < 20; i++) {
      stranger.send(TWO, HEARTBEAT);
    }
    // Both are there and answer, but neither hears the other.
    assertEquals(PeerProcess.VERSION, ask(one, two.address()).serverVersion());
    PeerProcess.await("pings went both ways", () -> !two.received.isEmpty() || pingsPassed());
    assertTrue(two.received.isEmpty());
    assertTrue(one.removedBy.isEmpty(), "a refusal of another cluster removes nobody");
    assertFalse(isConnected(home, ONE));
    assertFalse(isConnected(stranger, TWO));
  }

  private final long begin = System.nanoTime();

  private boolean pingsPassed() {
    return System.nanoTime() - begin > TimeUnit.SECONDS.toNanos(2);
  }

  @Test
  void whoWasRemovedIsToldAndNotHeard() throws Exception {
    GroupPeers removed = one.join(1);
    removed.members(both());
    two.join(2).members(PeerProcess.membership(Map.of(2L, two.address()), 1));
    removed.send(TWO, HEARTBEAT);
    assertEquals(TWO, one.removedBy.poll(PeerProcess.PATIENCE.toSeconds(), TimeUnit.SECONDS));
    assertTrue(two.received.isEmpty());
  }

  @Test
  void whatIsMeantForAnotherMemberIsNotTaken() throws Exception {
    GroupPeers fromOne = one.join(1);
    fromOne.members(PeerProcess.membership(Map.of(1L, one.address(), 9L, two.address())));
    two.join(2).members(both());
    fromOne.send(new MemberId(9), HEARTBEAT);
    fromOne.members(both());
    fromOne.send(TWO, new RaftMessage.TimeoutNow(8));
    assertEquals(new RaftMessage.TimeoutNow(8), take(two));
  }

  @Test
  void aChangedAddressIsUsedAtOnce() throws Exception {
    GroupPeers fromOne = one.join(1);
    fromOne.members(both());
    two.join(2).members(both());
    PeerProcess.await("contact", () -> isConnected(fromOne, TWO));
    try (PeerProcess moved = PeerProcess.start()) {
      moved.join(2).members(both());
      fromOne.members(PeerProcess.membership(Map.of(1L, one.address(), 2L, moved.address())));
      fromOne.send(TWO, new RaftMessage.TimeoutNow(9));
      assertEquals(new RaftMessage.TimeoutNow(9), take(moved));
    }
  }

  @Test
  void whoeverRunsAnswersAlsoWithoutAGroup() {
    assertFalse(ask(one, two.address()).bootstrapped());
    two.self = new PeerInfo(true, 5, TWO, both(), PeerProcess.VERSION);
    assertEquals(two.self, ask(one, two.address()));
    assertEquals(one.self, ask(one, one.address()), "a process may ask itself");
  }

  @Test
  void nobodyThereIsATimeout() {
    CompletableFuture<PeerInfo> answer =
        one.network
            .ask(new PeerAddress("127.0.0.1", 1), Duration.ofMillis(500))
            .toCompletableFuture();
    assertInstanceOf(
        TimeoutException.class, assertThrows(CompletionException.class, answer::join).getCause());
  }

  @Test
  void whoStartsLaterAnswersTheQuestion() {
    PeerAddress address = two.address();
    two.close();
    CompletableFuture<PeerInfo> answer =
        one.network.ask(address, PeerProcess.PATIENCE).toCompletableFuture();
    two = PeerProcess.start(address);
    assertEquals(two.self, answer.join());
  }

  private static PeerInfo ask(PeerProcess asker, PeerAddress address) {
    return asker.network.ask(address, PeerProcess.PATIENCE).toCompletableFuture().join();
  }

  static boolean isConnected(GroupPeers peers, MemberId member) {
    return link(peers, member).connected();
  }

  static GroupPeers.Link link(GroupPeers peers, MemberId member) {
    GroupPeers.Link link = peers.links().get(member);
    return link == null ? new GroupPeers.Link(false, Duration.ZERO, "") : link;
  }
}
