package io.kvorum.deploy;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvorum.actors.apply.MembershipState;
import io.kvorum.actors.cluster.ArteryConfig;
import io.kvorum.actors.cluster.GroupPeers;
import io.kvorum.actors.cluster.PeerAddress;
import io.kvorum.actors.cluster.PeerNetwork;
import io.kvorum.actors.cluster.PekkoCluster;
import io.kvorum.actors.group.NetworkPeers;
import io.kvorum.actors.group.Peers;
import io.kvorum.config.EndpointUrl;
import io.kvorum.config.ServerConfig;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.protocol.internal.Membership;
import io.kvorum.server.EtcdVersion;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The peer port: an actor system of its own, so that it starts beside the one that serves, whose
 * start it would otherwise double, and lives until everything else has stopped.
 */
final class PeerListener {
  private static final Logger log = LoggerFactory.getLogger(PeerListener.class);

  /** The same on all members: it is part of the address of whoever listens. */
  private static final String SYSTEM = "kvorum";

  /** A message of raft's holds entries of this size together, or one larger entry. */
  private static final long MIN_MESSAGE_BYTES = 1 << 20;

  private final CompletableFuture<PeerNetwork> network = new CompletableFuture<>();
  private final CompletableFuture<Throwable> failure = new CompletableFuture<>();
  private final NetworkPeers peers = new NetworkPeers(network, EtcdVersion.SERVER, this::onMembers);
  private @Nullable ActorSystem<Void> system;
  private @Nullable GroupPeers severalMembers;
  private boolean discovering;
  private boolean discovered;
  private boolean closed;

  private PeerListener() {}

  /**
   * Says at once if the port is taken, before anything is started.
   *
   * @throws StartException naming the address
   */
  static void checkPort(ServerConfig config) {
    EndpointUrl listen = config.cluster().listenPeerUrls().getFirst();
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(listen.host(), listen.port()));
    } catch (IOException e) {
      throw new StartException("cannot listen for peers on " + listen + ": " + e.getMessage(), e);
    }
  }

  /** Begins to listen, on a thread of its own. */
  static PeerListener open(ServerConfig config, Config base, CompletableFuture<Keyspace> keyspace) {
    PeerListener listener = new PeerListener();
    Thread.ofPlatform()
        .name("open-peer-port")
        .daemon()
        .start(() -> listener.listen(config, base, keyspace));
    return listener;
  }

  private void listen(ServerConfig config, Config base, CompletableFuture<Keyspace> keyspace) {
    try {
      EndpointUrl listen = config.cluster().listenPeerUrls().getFirst();
      Config artery =
          ArteryConfig.of(
              new PeerAddress(listen.host(), listen.port()),
              advertised(config, keyspace),
              Math.max(MIN_MESSAGE_BYTES, config.clientApi().maxRequestBytes()));
      // The process's signals are the business of the system that serves; this one goes last.
      // Artery
      // has a hook of its own besides that of Coordinated Shutdown.
      Config last = ConfigFactory.parseString("pekko.jvm-shutdown-hooks = off");
      ActorSystem<Void> started =
          ActorSystem.create(
              Behaviors.empty(), SYSTEM, last.withFallback(artery).withFallback(base));
      if (keep(started)) {
        network.complete(PeerNetwork.start(started, EtcdVersion.SERVER, peers::info));
        log.atInfo().addKeyValue("address", listen.toString()).log("listening for peers");
      }
    } catch (RuntimeException | LinkageError e) {
      failure.complete(e);
      network.completeExceptionally(e);
    }
  }

  private synchronized boolean keep(ActorSystem<Void> started) {
    if (closed) {
      started.terminate();
      return false;
    }
    system = started;
    return true;
  }

  /**
   * Where the others expect this member: at the URL that it was given, or else, once there is data,
   * at the one that the cluster knows.
   */
  private static PeerAddress advertised(ServerConfig config, CompletableFuture<Keyspace> keyspace) {
    String given = config.cluster().initialAdvertisePeerUrls().getFirst().text();
    if (config.cluster().advertisePeerUrlsGiven()) {
      return PeerAddress.of(given);
    }
    byte[] stored = keyspace.join().meta(MembershipState.META_KEY);
    String known =
        stored == null
            ? given
            : MembershipState.parse(stored).getMembersList().stream()
                .filter(member -> member.getName().equals(config.member().name()))
                .map(member -> member.getPeerUrls(0))
                .findFirst()
                .orElse(given);
    return PeerAddress.of(known);
  }

  Peers group() {
    return peers;
  }

  /** Completes if the port cannot be opened. */
  CompletableFuture<Throwable> failure() {
    return failure;
  }

  void awaitOpen() {
    network.join();
  }

  /** From now on Pekko Cluster may look for the other processes, beside the group. */
  synchronized void discover() {
    discovering = true;
    joinPekkoCluster();
  }

  private synchronized void onMembers(GroupPeers connections, Membership membership) {
    if (membership.getMembersCount() > 1) {
      severalMembers = connections;
      joinPekkoCluster();
    }
  }

  private void joinPekkoCluster() {
    if (discovering && !discovered && system != null && severalMembers != null) {
      discovered = true;
      PekkoCluster.join(system, severalMembers);
    }
  }

  synchronized CompletionStage<Done> close() {
    closed = true;
    if (system == null) {
      return CompletableFuture.completedFuture(Done.getInstance());
    }
    system.terminate();
    return system.getWhenTerminated();
  }
}
