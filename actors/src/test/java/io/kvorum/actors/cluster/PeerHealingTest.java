package io.kvorum.actors.cluster;

import static io.kvorum.actors.cluster.PeerNetworkTest.isConnected;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.google.protobuf.ByteString;
import com.typesafe.config.Config;
import io.kvorum.actors.raft.RaftMessage;
import io.kvorum.actors.snapshot.SnapshotMessage;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.remote.RemoteActorRefProvider;
import org.apache.pekko.remote.artery.ArteryTransport;
import org.junit.jupiter.api.Test;

/** Nothing that a peer or the wire does puts an end to talking, or to this process. */
class PeerHealingTest {
  private static final MemberId ONE = new MemberId(1);
  private static final MemberId TWO = new MemberId(2);

  /** A member must be heard again well within an election timeout, and the machine may be busy. */
  private static final Duration HEALED = Duration.ofSeconds(5);

  private static final SnapshotMessage CHUNK =
      new SnapshotMessage.Chunk(1, 1, ByteString.copyFromUtf8("chunk"), 1);

  @Test
  void aPeerThatRestartsManyTimesIsHeardAgainEachTime() throws Exception {
    try (PeerProcess one = PeerProcess.start()) {
      PeerAddress address;
      GroupPeers peers = one.join(1);
      PeerProcess two = PeerProcess.start();
      address = two.address();
      for (int life = 0; life < 8; life++) {
        Membership both = PeerProcess.membership(Map.of(1L, one.address(), 2L, address));
        GroupPeers back = two.join(2);
        back.members(both);
        peers.members(both);
        converse("life " + life, one, peers, two, back);
        two.close();
        keepSending(peers, Duration.ofMillis(300));
        two = PeerProcess.start(address);
      }
      two.close();
    }
  }

  @Test
  void aPeerThatIsDownForLongStopsNobody() throws Exception {
    try (PeerProcess one = PeerProcess.start();
        ServerSocket reserved = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      PeerAddress address = new PeerAddress("127.0.0.1", reserved.getLocalPort());
      reserved.close();
      GroupPeers peers = one.join(1);
      Membership both = PeerProcess.membership(Map.of(1L, one.address(), 2L, address));
      peers.members(both);
      // Artery counts failures of streams in five seconds.
      keepSending(peers, Duration.ofSeconds(7));
      assertFalse(one.system.getWhenTerminated().toCompletableFuture().isDone());
      try (PeerProcess two = PeerProcess.start(address)) {
        GroupPeers back = two.join(2);
        back.members(both);
        converse("came up", one, peers, two, back);
      }
    }
  }

  @Test
  void somethingElseAtAPeersAddressStopsNobody() throws Exception {
    try (PeerProcess one = PeerProcess.start();
        ServerSocket web = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      Thread.ofVirtual().start(() -> answerAsAWebServer(web));
      PeerAddress address = new PeerAddress("127.0.0.1", web.getLocalPort());
      GroupPeers peers = one.join(1);
      Membership both = PeerProcess.membership(Map.of(1L, one.address(), 2L, address));
      peers.members(both);
      keepSending(peers, Duration.ofSeconds(6));
      web.close();
      assertFalse(one.system.getWhenTerminated().toCompletableFuture().isDone());
      try (PeerProcess two = PeerProcess.start(address)) {
        GroupPeers back = two.join(2);
        back.members(both);
        converse("the right one", one, peers, two, back);
      }
    }
  }

  private static void answerAsAWebServer(ServerSocket web) {
    while (!web.isClosed()) {
      try (Socket client = web.accept()) {
        client.getOutputStream().write("HTTP/1.1 400\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      } catch (IOException e) {
        // The client did not wait for the answer, or nobody listens any more.
      }
    }
  }

  @Test
  void strangersAtThePortDisturbNobody() throws Exception {
    try (PeerProcess one = PeerProcess.start();
        PeerProcess two = PeerProcess.start()) {
      GroupPeers peers = one.join(1);
      GroupPeers back = two.join(2);
      Membership both = PeerProcess.membership(Map.of(1L, one.address(), 2L, two.address()));
      peers.members(both);
      back.members(both);
      converse("before", one, peers, two, back);
      List<byte[]> greetings =
          List.of(
              "GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII),
              // Right magic, then a stream that does not exist, a frame of garbage, a huge frame.
              new byte[] {'A', 'K', 'K', 'A', 9, 4, 0, 0, 0, 1, 2, 3, 4},
              new byte[] {'A', 'K', 'K', 'A', 2, 40, 0, 0, 0},
              garbageFrame(1),
              garbageFrame(2),
              garbageFrame(3),
              new byte[] {'A', 'K', 'K', 'A', 2, -1, -1, -1, 127, 1});
      for (int i = 0; i < 10; i++) {
        for (byte[] greeting : greetings) {
          try (Socket stranger = new Socket(two.address().host(), two.address().port())) {
            stranger.getOutputStream().write(greeting);
          } catch (IOException e) {
            // Thrown out.
          }
        }
      }
      converse("after", one, peers, two, back);
      assertFalse(two.system.getWhenTerminated().toCompletableFuture().isDone());
    }
  }

  private static byte[] garbageFrame(int stream) {
    byte[] frame = new byte[9 + 64];
    new java.util.Random(stream).nextBytes(frame);
    System.arraycopy(new byte[] {'A', 'K', 'K', 'A', (byte) stream, 64, 0, 0, 0}, 0, frame, 0, 9);
    frame[9] = 0;
    return frame;
  }

  @Test
  void connectionsThatWereCutAndNeverCloseAreGivenUp() throws Exception {
    try (LaneProxy proxyOfTwo = new LaneProxy();
        LaneProxy proxyOfOne = new LaneProxy();
        PeerProcess one =
            PeerProcess.start(new PeerAddress("127.0.0.1", 0), proxyOfOne.address(), Map.of());
        PeerProcess two =
            PeerProcess.start(new PeerAddress("127.0.0.1", 0), proxyOfTwo.address(), Map.of())) {
      proxyOfOne.target(bound(one));
      proxyOfTwo.target(bound(two));
      GroupPeers peers = one.join(1);
      GroupPeers back = two.join(2);
      Membership both = PeerProcess.membership(Map.of(1L, one.address(), 2L, two.address()));
      peers.members(both);
      back.members(both);
      converse("before", one, peers, two, back);
      proxyOfOne.cut();
      proxyOfTwo.cut();
      PeerProcess.await("noticed", () -> !isConnected(peers, TWO) && !isConnected(back, ONE));
      assertEquals(TWO, one.unreachable.poll(1, TimeUnit.SECONDS));
      keepSending(peers, Duration.ofSeconds(6));
      proxyOfOne.heal();
      proxyOfTwo.heal();
      PeerProcess.await(
          "heard again", HEALED, () -> isConnected(peers, TWO) && isConnected(back, ONE));
      converse("after", one, peers, two, back);
    }
  }

  @Test
  void noTimerOfArterysEndsAPeer() {
    try (PeerProcess one = PeerProcess.start()) {
      Config advanced = one.system.settings().config().getConfig("pekko.remote.artery.advanced");
      assertEquals(Integer.MAX_VALUE, advanced.getInt("outbound-max-restarts"));
      assertEquals(Integer.MAX_VALUE, advanced.getInt("inbound-max-restarts"));
      assertEquals(1000, advanced.getDuration("quarantine-idle-outbound-after").toDays());
      assertEquals(1000, advanced.getDuration("give-up-system-message-after").toDays());
    }
  }

  /** Each lane works, in each direction. */
  private static void converse(
      String when, PeerProcess one, GroupPeers fromOne, PeerProcess two, GroupPeers fromTwo) {
    try {
      one.received.clear();
      two.received.clear();
      for (RaftMessage message :
          List.of(
              new RaftMessage.Heartbeat(1, 2, 3),
              new RaftMessage.Append(1, new LogPosition(1, 1), List.of(), 1))) {
        PeerProcess.await(
            when + ": " + message + " from one",
            () -> {
              fromOne.send(TWO, message);
              return two.received.contains(message);
            });
        PeerProcess.await(
            when + ": " + message + " from two",
            () -> {
              fromTwo.send(ONE, message);
              return one.received.contains(message);
            });
      }
      PeerProcess.await(
          when + ": chunk",
          () -> {
            fromOne.send(TWO, CHUNK);
            return two.received.contains(CHUNK);
          });
      PeerProcess.await(
          when + ": links", HEALED, () -> isConnected(fromOne, TWO) && isConnected(fromTwo, ONE));
    } finally {
      one.received.clear();
      two.received.clear();
    }
  }

  private static void keepSending(GroupPeers peers, Duration howLong) {
    long end = System.nanoTime() + howLong.toNanos();
    PeerProcess.await(
        "the time to pass",
        howLong.multipliedBy(3),
        () -> {
          peers.send(TWO, new RaftMessage.Heartbeat(1, 2, 3));
          peers.send(TWO, new RaftMessage.Append(1, new LogPosition(1, 1), List.of(), 1));
          peers.send(TWO, CHUNK);
          return System.nanoTime() - end > 0;
        });
  }

  /** Where it really listens, behind what it advertises. */
  static PeerAddress bound(PeerProcess process) {
    if (((ExtendedActorSystem) Adapter.toClassic(process.system)).provider()
            instanceof RemoteActorRefProvider provider
        && provider.transport() instanceof ArteryTransport artery) {
      return new PeerAddress("127.0.0.1", artery.bindAddress().address().getPort().orElseThrow());
    }
    throw new AssertionError("no Artery");
  }
}
