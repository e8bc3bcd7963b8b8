package io.kvorum.verification.benchmark;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.KVGrpc;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.PutResponse;
import io.grpc.stub.StreamObserver;
import io.kvorum.verification.conformance.cluster.Cluster;
import io.kvorum.verification.conformance.cluster.Member;
import io.kvorum.verification.conformance.harness.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/** How long nothing can be written when the leader goes, as a client sees it that keeps putting. */
final class LeaderLoss {
  /** The default of both. */
  static final Duration ELECTION_TIMEOUT = Duration.ofSeconds(1);

  private static final Duration PUT_EVERY = Duration.ofMillis(5);
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final Duration BEFORE = Duration.ofMillis(500);

  private LeaderLoss() {}

  /** How the leader goes. */
  interface Way {
    void take(Member leader);
  }

  /**
   * Puts go to the followers every few milliseconds, whether or not earlier ones were answered, so
   * that those which wait for the lost leader hide nothing.
   *
   * @return the longest time without an acknowledgement, from before the loss until a put is
   *     acknowledged that was sent when the leader was gone
   */
  static Duration trial(Cluster cluster, Way way) {
    var leader = cluster.leader();
    var connections = new ArrayList<Connection>();
    for (var member : cluster.members())
      if (member != leader) connections.add(Connection.to(member.address()));
    var puts = new Puts(connections);
    var client = Thread.ofVirtual().start(puts::keepPutting);
    try {
      idle(BEFORE);
      way.take(leader);
      puts.gone.complete(System.nanoTime());
      puts.written.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
      return puts.longestGap();
    } catch (TimeoutException | ExecutionException e) {
      throw new IllegalStateException("no write within " + LIMIT + " of losing the leader", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    } finally {
      puts.stop.set(true);
      join(client);
      connections.forEach(Connection::close);
    }
  }

  private static final class Puts {
    private static final PutRequest PUT =
        PutRequest.newBuilder()
            .setKey(ByteString.copyFromUtf8("leader-loss"))
            .setValue(ByteString.copyFromUtf8("x"))
            .build();

    private final List<Connection> connections;
    private final ConcurrentLinkedQueue<Long> acknowledgements = new ConcurrentLinkedQueue<>();
    final AtomicBoolean stop = new AtomicBoolean();
    final CompletableFuture<Long> gone = new CompletableFuture<>();
    final CompletableFuture<Void> written = new CompletableFuture<>();

    Puts(List<Connection> connections) {
      this.connections = connections;
    }

    void keepPutting() {
      for (int i = 0; !stop.get(); i++) {
        KVGrpc.newStub(connections.get(i % connections.size()).channel())
            .withDeadlineAfter(LIMIT.toMillis(), TimeUnit.MILLISECONDS)
            .put(PUT, new Answer(System.nanoTime()));
        LockSupport.parkNanos(PUT_EVERY.toNanos());
      }
    }

    Duration longestGap() {
      var times = acknowledgements.stream().sorted().toList();
      long longest = 0;
      for (int i = 1; i < times.size(); i++)
        longest = Math.max(longest, times.get(i) - times.get(i - 1));
      return Duration.ofNanos(longest);
    }

    private final class Answer implements StreamObserver<PutResponse> {
      private final long sentNanos;

      Answer(long sentNanos) {
        this.sentNanos = sentNanos;
      }

      @Override
      public void onNext(PutResponse acknowledged) {
        acknowledgements.add(System.nanoTime());
        if (gone.isDone() && sentNanos - gone.join() > 0) written.complete(null);
      }

      @Override
      public void onError(Throwable failed) {
        // the next one is on its way
      }

      @Override
      public void onCompleted() {}
    }
  }

  private static void idle(Duration length) {
    long until = System.nanoTime() + length.toNanos();
    while (System.nanoTime() - until < 0) LockSupport.parkNanos(until - System.nanoTime());
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
