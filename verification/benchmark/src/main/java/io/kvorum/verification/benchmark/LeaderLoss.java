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
   * @return from the loss to the first acknowledgement of a put that was sent after it
   */
  static Duration trial(Cluster cluster, Way way) {
    var leader = cluster.leader();
    var connections = new ArrayList<Connection>();
    for (var member : cluster.members())
      if (member != leader) connections.add(Connection.to(member.address()));
    var stop = new AtomicBoolean();
    var lost = new CompletableFuture<Long>();
    var written = new CompletableFuture<Long>();
    var client = Thread.ofVirtual().start(() -> keepPutting(connections, stop, lost, written));
    try {
      idle(BEFORE);
      long at = System.nanoTime();
      lost.complete(at);
      way.take(leader);
      long acknowledged = written.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
      return Duration.ofNanos(acknowledged - at);
    } catch (TimeoutException | ExecutionException e) {
      throw new IllegalStateException("no write within " + LIMIT + " of losing the leader", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    } finally {
      stop.set(true);
      join(client);
      connections.forEach(Connection::close);
    }
  }

  private static void keepPutting(
      List<Connection> connections,
      AtomicBoolean stop,
      CompletableFuture<Long> lost,
      CompletableFuture<Long> written) {
    var put =
        PutRequest.newBuilder()
            .setKey(ByteString.copyFromUtf8("leader-loss"))
            .setValue(ByteString.copyFromUtf8("x"))
            .build();
    for (int i = 0; !stop.get(); i++) {
      long sent = System.nanoTime();
      KVGrpc.newStub(connections.get(i % connections.size()).channel())
          .withDeadlineAfter(LIMIT.toMillis(), TimeUnit.MILLISECONDS)
          .put(
              put,
              new StreamObserver<>() {
                @Override
                public void onNext(PutResponse acknowledged) {
                  if (lost.isDone() && sent - lost.join() > 0) written.complete(System.nanoTime());
                }

                @Override
                public void onError(Throwable failed) {
                  // the next one is on its way
                }

                @Override
                public void onCompleted() {}
              });
      LockSupport.parkNanos(PUT_EVERY.toNanos());
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
