package io.kvorum.actors.group;

import com.google.protobuf.ByteString;
import io.kvorum.actors.cluster.GroupPeers;
import io.kvorum.actors.cluster.PeerHandler;
import io.kvorum.actors.cluster.PeerInfo;
import io.kvorum.actors.raft.RaftMessage;
import io.kvorum.actors.snapshot.SnapshotMessage;
import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** A network within the process: who joined under a peer URL is reached there at once. */
final class TestNetwork {
  /** Long enough for the strict checks. */
  private static final Duration CONNECTED_FOR = Duration.ofSeconds(10);

  final Map<String, Endpoint> endpoints = new ConcurrentHashMap<>();

  Endpoint endpoint(String url) {
    Endpoint endpoint = new Endpoint();
    endpoints.put(url, endpoint);
    return endpoint;
  }

  /** One process. */
  final class Endpoint implements Peers {
    volatile @Nullable Joined joined;
    volatile String version = "3.7.1";

    @Override
    public CompletionStage<PeerInfo> ask(String peerUrl, Duration timeout) {
      Endpoint asked = endpoints.get(peerUrl);
      return asked == null
          ? CompletableFuture.failedFuture(new TimeoutException(peerUrl))
          : CompletableFuture.completedFuture(asked.info());
    }

    private PeerInfo info() {
      Joined group = joined;
      return group == null
          ? PeerInfo.notBootstrapped(version)
          : new PeerInfo(
              true, group.identity.clusterId(), group.identity.member(), group.membership, version);
    }

    @Override
    public GroupPeers join(LogIdentity identity, PeerHandler handler) {
      Joined group = new Joined(this, identity, handler);
      joined = group;
      return group;
    }
  }

  final class Joined implements GroupPeers {
    private final Endpoint endpoint;
    private final LogIdentity identity;
    private final PeerHandler handler;
    private volatile Membership membership = Membership.getDefaultInstance();

    Joined(Endpoint endpoint, LogIdentity identity, PeerHandler handler) {
      this.endpoint = endpoint;
      this.identity = identity;
      this.handler = handler;
    }

    private @Nullable Joined reach(MemberId to) {
      for (Membership.Member member : membership.getMembersList()) {
        Endpoint other = endpoints.get(member.getPeerUrls(0));
        if (member.getId() == to.value() && other != null) {
          return other.joined;
        }
      }
      return null;
    }

    @Override
    public void send(MemberId to, RaftMessage message) {
      Joined other = reach(to);
      if (other != null) {
        if (other.membership.getRemovedIdsList().contains(identity.member().value())) {
          handler.removed(to);
        } else {
          other.handler.raft(identity.member(), message);
        }
      }
    }

    @Override
    public void send(MemberId to, SnapshotMessage message) {}

    @Override
    public void members(Membership next) {
      membership = next;
    }

    @Override
    public Map<MemberId, Link> links() {
      Map<MemberId, Link> links = new HashMap<>();
      for (Membership.Member member : membership.getMembersList()) {
        MemberId id = new MemberId(member.getId());
        Joined other = reach(id);
        if (!id.equals(identity.member())) {
          links.put(
              id,
              other == null
                  ? new Link(false, Duration.ZERO, "")
                  : new Link(true, CONNECTED_FOR, other.endpoint.version));
        }
      }
      return links;
    }

    @Override
    public CompletionStage<ByteString> ask(MemberId to, ByteString question, Duration timeout) {
      Joined other = reach(to);
      return other == null
          ? CompletableFuture.failedFuture(new TimeoutException(to.toString()))
          : other.handler.question(identity.member(), question);
    }

    @Override
    public void close() {
      endpoint.joined = null;
    }
  }
}
