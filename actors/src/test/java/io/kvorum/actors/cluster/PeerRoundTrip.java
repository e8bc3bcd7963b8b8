package io.kvorum.actors.cluster;

import com.google.protobuf.ByteString;
import com.typesafe.config.ConfigFactory;
import io.kvorum.actors.raft.RaftMessage;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.actors.snapshot.SnapshotMessage;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.jspecify.annotations.Nullable;

/**
 * Measures an append of one 300-byte entry and its answer, between two JVMs: {@code PeerRoundTrip
 * echo 21001 21002} in one, {@code PeerRoundTrip measure 21002 21001} in the other. Other settings
 * go by {@code -D}.
 */
final class PeerRoundTrip implements PeerHandler {
  private static final int LONE_ROUND_TRIPS = 20_000;
  private static final int WINDOW = 256;
  private static final int THROUGHPUT_ROUND_TRIPS = 400_000;

  private final boolean echo;
  private final long member;
  private final Semaphore answers = new Semaphore(0);

  /** Stands for the replica's thread, in the other actor system of a server. */
  private final ExecutorService replica =
      Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().factory());

  private volatile @Nullable GroupPeers joined;

  private PeerRoundTrip(boolean echo) {
    this.echo = echo;
    this.member = echo ? 1 : 2;
  }

  public static void main(String[] args) {
    PeerAddress own = new PeerAddress("127.0.0.1", Integer.parseInt(args[1]));
    PeerAddress other = new PeerAddress("127.0.0.1", Integer.parseInt(args[2]));
    PeerRoundTrip run = new PeerRoundTrip(args[0].equals("echo"));
    ActorSystem<Void> system =
        ActorSystem.create(
            Behaviors.empty(),
            "kvorum",
            ConfigFactory.defaultOverrides()
                .withFallback(ArteryConfig.of(own, own, PeerProcess.MAX_MESSAGE_BYTES))
                .withFallback(ConfigFactory.load())
                .resolve());
    PeerNetwork network =
        PeerNetwork.start(system, "3.7.1", () -> PeerInfo.notBootstrapped("3.7.1"));
    GroupPeers peers = network.join(PeerProcess.identity(PeerProcess.CLUSTER, run.member), run);
    run.joined = peers;
    peers.members(PeerProcess.membership(Map.of(run.member, own, 3 - run.member, other)));
    if (!run.echo) {
      run.measure(peers);
      System.exit(0);
    }
  }

  private void measure(GroupPeers peers) {
    MemberId to = new MemberId(1);
    PeerProcess.await(
        "the other", () -> peers.links().get(to) instanceof GroupPeers.Link l && l.connected());
    RaftMessage append =
        new RaftMessage.Append(
            7,
            new LogPosition(41, 7),
            List.of(new Entry(42, 7, EntryKind.COMMAND, ByteString.copyFrom(new byte[300]))),
            41);
    for (int round = 0; round < 3; round++) {
      long[] nanos = new long[LONE_ROUND_TRIPS];
      for (int i = 0; i < nanos.length; i++) {
        long start = System.nanoTime();
        peers.send(to, append);
        answers.acquireUninterruptibly();
        nanos[i] = System.nanoTime() - start;
      }
      Arrays.sort(nanos);
      System.out.printf(
          "alone: median %d us, 99%% %d us%n",
          nanos[nanos.length / 2] / 1000, nanos[nanos.length * 99 / 100] / 1000);
      long start = System.nanoTime();
      for (int i = 0; i < THROUGHPUT_ROUND_TRIPS; i++) {
        if (i >= WINDOW) {
          answers.acquireUninterruptibly();
        }
        peers.send(to, append);
      }
      answers.acquireUninterruptibly(WINDOW);
      System.out.printf(
          "%d under way: %.0f round trips/s%n",
          WINDOW, THROUGHPUT_ROUND_TRIPS / ((System.nanoTime() - start) / 1e9));
    }
  }

  @Override
  public void raft(MemberId from, RaftMessage message) {
    replica.execute(
        () -> {
          GroupPeers peers = joined;
          if (echo && peers != null) {
            peers.send(from, new RaftMessage.Appended(message.term(), 42));
          } else {
            answers.release();
          }
        });
  }

  @Override
  public void snapshot(MemberId from, SnapshotMessage message) {}

  @Override
  public CompletionStage<ByteString> question(MemberId from, ByteString body) {
    return CompletableFuture.completedFuture(body);
  }

  @Override
  public void removed(MemberId toldBy) {}

  @Override
  public void unreachable(MemberId member) {}
}
