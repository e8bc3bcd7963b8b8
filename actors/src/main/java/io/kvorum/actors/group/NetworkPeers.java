package io.kvorum.actors.group;

import com.google.protobuf.ByteString;
import io.kvorum.actors.cluster.GroupPeers;
import io.kvorum.actors.cluster.PeerAddress;
import io.kvorum.actors.cluster.PeerHandler;
import io.kvorum.actors.cluster.PeerInfo;
import io.kvorum.actors.cluster.PeerNetwork;
import io.kvorum.actors.raft.RaftMessage;
import io.kvorum.actors.snapshot.SnapshotMessage;
import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The peers as reached over a network that may still be starting: a member that needs nobody else
 * does not wait for it. What is sent before is lost, as it may be at any time.
 */
public final class NetworkPeers implements Peers {
  private final CompletionStage<PeerNetwork> network;
  private final String serverVersion;
  private final BiConsumer<GroupPeers, Membership> onMembers;
  private volatile @Nullable LateLink link;

  /**
   * @param network completes when it listens
   * @param onMembers told of each membership that the group gives to its connections, once there
   *     are any
   */
  public NetworkPeers(
      CompletionStage<PeerNetwork> network,
      String serverVersion,
      BiConsumer<GroupPeers, Membership> onMembers) {
    this.network = network;
    this.serverVersion = serverVersion;
    this.onMembers = onMembers;
  }

  /** Who runs here, for those who ask the network. */
  public PeerInfo info() {
    LateLink joined = link;
    return joined == null
        ? PeerInfo.notBootstrapped(serverVersion)
        : new PeerInfo(
            true,
            joined.identity.clusterId(),
            joined.identity.member(),
            joined.membership,
            serverVersion);
  }

  @Override
  public CompletionStage<PeerInfo> ask(String peerUrl, Duration timeout) {
    PeerAddress address;
    try {
      address = PeerAddress.of(peerUrl);
    } catch (IllegalArgumentException e) {
      return CompletableFuture.failedFuture(e);
    }
    return network.thenCompose(listening -> listening.ask(address, timeout));
  }

  @Override
  public GroupPeers join(LogIdentity identity, PeerHandler handler) {
    LateLink late = new LateLink(identity);
    link = late;
    network.thenAccept(listening -> late.connect(listening.join(identity, handler)));
    return late;
  }

  private final class LateLink implements GroupPeers {
    private final LogIdentity identity;
    private volatile Membership membership = Membership.getDefaultInstance();
    private volatile @Nullable GroupPeers connected;
    private boolean closed;

    LateLink(LogIdentity identity) {
      this.identity = identity;
    }

    synchronized void connect(GroupPeers peers) {
      if (closed) {
        peers.close();
        return;
      }
      peers.members(membership);
      connected = peers;
      onMembers.accept(peers, membership);
    }

    @Override
    public synchronized void members(Membership next) {
      membership = next;
      if (connected != null) {
        connected.members(next);
        onMembers.accept(connected, next);
      }
    }

    @Override
    public void send(MemberId to, RaftMessage message) {
      GroupPeers peers = connected;
      if (peers != null) {
        peers.send(to, message);
      }
    }

    @Override
    public void send(MemberId to, SnapshotMessage message) {
      GroupPeers peers = connected;
      if (peers != null) {
        peers.send(to, message);
      }
    }

    @Override
    public Map<MemberId, Link> links() {
      GroupPeers peers = connected;
      return peers == null ? Map.of() : peers.links();
    }

    @Override
    public CompletionStage<ByteString> ask(MemberId to, ByteString question, Duration timeout) {
      GroupPeers peers = connected;
      return peers == null
          ? CompletableFuture.failedFuture(new IllegalStateException("no network yet"))
          : peers.ask(to, question, timeout);
    }

    @Override
    public synchronized void close() {
      closed = true;
      if (connected != null) {
        connected.close();
      }
    }
  }
}
