package io.kvorum.actors.cluster;

import com.google.protobuf.ByteString;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvorum.actors.raft.RaftMessage;
import io.kvorum.actors.snapshot.SnapshotMessage;
import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/** A process that talks to peers over real TCP, as far as the network is concerned. */
final class PeerProcess implements AutoCloseable {
  static final Duration PATIENCE = Duration.ofSeconds(20);
  static final long CLUSTER = 0xcafe_0000_0000_0001L;
  static final String VERSION = "3.7.1";
  static final long MAX_MESSAGE_BYTES = 2 << 20;

  final ActorSystem<Void> system;
  final PeerNetwork network;
  final BlockingQueue<Object> received = new LinkedBlockingQueue<>();
  final BlockingQueue<MemberId> removedBy = new LinkedBlockingQueue<>();
  final BlockingQueue<MemberId> unreachable = new LinkedBlockingQueue<>();
  volatile PeerInfo self = PeerInfo.notBootstrapped(VERSION);

  private PeerProcess(PeerAddress bind, PeerAddress advertised, Config more) {
    Config config =
        more.withFallback(ArteryConfig.of(bind, advertised, MAX_MESSAGE_BYTES))
            .withFallback(ConfigFactory.load())
            .resolve();
    system = ActorSystem.create(Behaviors.empty(), "kvorum", config);
    network = PeerNetwork.start(system, VERSION, () -> self);
  }

  /** On any free port. */
  static PeerProcess start() {
    return start(new PeerAddress("127.0.0.1", 0));
  }

  static PeerProcess start(PeerAddress address) {
    return start(address, address, Map.of());
  }

  static PeerProcess start(PeerAddress bind, PeerAddress advertised, Map<String, Object> more) {
    return new PeerProcess(bind, advertised, ConfigFactory.parseMap(more));
  }

  /** What others dial. */
  PeerAddress address() {
    var address = ((ExtendedActorSystem) Adapter.toClassic(system)).provider().getDefaultAddress();
    return new PeerAddress(address.getHost().orElseThrow(), address.getPort().orElseThrow());
  }

  GroupPeers join(long member) {
    return join(CLUSTER, member);
  }

  GroupPeers join(long cluster, long member) {
    return network.join(identity(cluster, member), new Ears());
  }

  static LogIdentity identity(long cluster, long member) {
    return new LogIdentity(GroupId.DEFAULT, cluster, new MemberId(member), "token");
  }

  static Membership membership(Map<Long, PeerAddress> members, long... removed) {
    Membership.Builder membership = Membership.newBuilder().setClusterId(CLUSTER);
    members.forEach(
        (id, address) ->
            membership.addMembers(
                Membership.Member.newBuilder().setId(id).addPeerUrls("http://" + address)));
    for (long id : removed) {
      membership.addRemovedIds(id);
    }
    return membership.build();
  }

  static void await(String what, BooleanSupplier condition) {
    await(what, PATIENCE, condition);
  }

  static void await(String what, Duration patience, BooleanSupplier condition) {
    long deadline = System.nanoTime() + patience.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError("not within " + patience + ": " + what);
      }
      LockSupport.parkNanos(2_000_000);
    }
  }

  @Override
  public void close() {
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().join();
  }

  private final class Ears implements PeerHandler {
    @Override
    public void raft(MemberId from, RaftMessage message) {
      received.add(message);
    }

    @Override
    public void snapshot(MemberId from, SnapshotMessage message) {
      received.add(message);
    }

    @Override
    public CompletionStage<ByteString> question(MemberId from, ByteString body) {
      return body.isEmpty()
          ? CompletableFuture.failedFuture(new IllegalStateException("asked for nothing"))
          : CompletableFuture.completedFuture(body.concat(ByteString.copyFromUtf8("!")));
    }

    @Override
    public void removed(MemberId toldBy) {
      removedBy.add(toldBy);
    }

    @Override
    public void unreachable(MemberId member) {
      unreachable.add(member);
    }
  }
}
