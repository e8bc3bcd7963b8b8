package io.kvorum.actors.cluster;

import static io.kvorum.actors.cluster.PeerNetworkTest.isConnected;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.kvorum.actors.raft.RaftMessage;
import io.kvorum.actors.snapshot.SnapshotMessage;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What rides on which of Artery's streams, and that a full one holds up no other. */
class PeerLanesTest {
  private static final MemberId TWO = new MemberId(2);
  private static final int PADDING = 100_000;

  @Test
  void heartbeatsPassAStuckSnapshotAndStuckEntries() throws Exception {
    try (LaneProxy proxy = new LaneProxy();
        PeerProcess one = PeerProcess.start();
        PeerProcess two =
            PeerProcess.start(new PeerAddress("127.0.0.1", 0), proxy.address(), Map.of())) {
      proxy.target(PeerHealingTest.bound(two));
      GroupPeers peers = one.join(1);
      GroupPeers back = two.join(2);
      Membership both = PeerProcess.membership(Map.of(1L, one.address(), 2L, two.address()));
      peers.members(both);
      back.members(both);
      PeerProcess.await("contact", () -> isConnected(peers, TWO));

      SnapshotMessage chunk =
          new SnapshotMessage.Chunk(
              1, 1, ByteString.copyFrom(new byte[SnapshotMessage.MAX_CHUNK_BYTES]), 1);
      peers.send(TWO, chunk);
      PeerProcess.await("chunk", () -> two.received.contains(chunk));
      assertTrue(proxy.bytes(LaneProxy.LARGE) >= PADDING, "chunks ride on the large stream");
      assertTrue(proxy.bytes(LaneProxy.ORDINARY) < PADDING);
      assertTrue(proxy.bytes(LaneProxy.CONTROL) < PADDING);

      proxy.stall(LaneProxy.LARGE);
      for (int i = 0; i < 500; i++) {
        peers.send(TWO, chunk);
      }
      assertPass(peers, two, new RaftMessage.Append(1, new LogPosition(5, 1), List.of(), 5));
      long ordinary = proxy.bytes(LaneProxy.ORDINARY);
      assertTrue(ordinary > 0, "appends ride on the ordinary stream");

      proxy.stall(LaneProxy.ORDINARY);
      for (int i = 0; i < 10_000; i++) {
        peers.send(TWO, new RaftMessage.Append(1, new LogPosition(6, 1), List.of(), 6));
      }
      for (RaftMessage urgent :
          List.of(
              new RaftMessage.Heartbeat(1, 1, 1),
              new RaftMessage.HeartbeatResponse(1, 1),
              new RaftMessage.VoteRequest(2, new LogPosition(1, 1), true, false),
              new RaftMessage.VoteResponse(2, true, true),
              new RaftMessage.ReadIndexRequest(2, 1),
              new RaftMessage.ReadIndexResponse(2, 1, 1),
              new RaftMessage.TimeoutNow(2))) {
        assertPass(peers, two, urgent);
      }
      assertTrue(isConnected(peers, TWO), "the stuck lanes are no loss of contact");
    }
  }

  private static void assertPass(GroupPeers peers, PeerProcess two, RaftMessage message)
      throws InterruptedException {
    two.received.clear();
    peers.send(TWO, message);
    long start = System.nanoTime();
    Object came;
    do {
      came = two.received.poll(PeerProcess.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } while (came != null && !came.equals(message));
    assertTrue(
        message.equals(came) && System.nanoTime() - start < TimeUnit.SECONDS.toNanos(5),
        () -> "held up: " + message);
  }
}
