package io.kvorum.verification.benchmark;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.KVGrpc;
import io.etcd.jetcd.api.LeaseGrantRequest;
import io.etcd.jetcd.api.LeaseGrpc;
import io.etcd.jetcd.api.LeaseKeepAliveRequest;
import io.etcd.jetcd.api.LeaseKeepAliveResponse;
import io.etcd.jetcd.api.LeaseRevokeRequest;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.lock.LockGrpc;
import io.etcd.jetcd.api.lock.LockRequest;
import io.etcd.jetcd.api.lock.UnlockRequest;
import io.grpc.stub.StreamObserver;
import io.kvorum.verification.conformance.harness.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/** The loads of {@link LeaseBenchmark}, each on some members, the connections spread over them. */
final class LeaseLoads implements AutoCloseable {
  private static final int CONNECTIONS = 8;
  private static final int OPEN_CALLS = 512;
  private static final Duration LIMIT = Duration.ofMinutes(5);

  private final List<Connection> connections = new ArrayList<>();

  LeaseLoads(List<String> addresses) {
    for (int i = 0; i < CONNECTIONS; i++)
      connections.add(Connection.to(addresses.get(i % addresses.size())));
  }

  /**
   * What came of a load.
   *
   * @param count of what was done
   */
  record Result(long count, Duration length, Histogram nanos) {
    double perSecond() {
      return count / (length.toNanos() / 1e9);
    }
  }

  private Connection connection(int i) {
    return connections.get(i % connections.size());
  }

  /** Grants leases of as many ids, the first given. */
  void grant(int first, int leases, java.util.function.IntToLongFunction ttlSeconds) {
    var room = new Semaphore(OPEN_CALLS);
    var failed = new AtomicReference<@Nullable Throwable>();
    for (int id = first; id < first + leases; id++) {
      room.acquireUninterruptibly();
      var request =
          LeaseGrantRequest.newBuilder().setID(id).setTTL(ttlSeconds.applyAsLong(id)).build();
      LeaseGrpc.newStub(connection(id).channel()).leaseGrant(request, done(failed, room::release));
    }
    room.acquireUninterruptibly(OPEN_CALLS);
    if (failed.get() != null) throw new IllegalStateException("a grant failed", failed.get());
  }

  private static <T> StreamObserver<T> done(
      AtomicReference<@Nullable Throwable> failed, Runnable then) {
    return new StreamObserver<>() {
      @Override
      public void onNext(T response) {}

      @Override
      public void onError(Throwable failure) {
        failed.set(failure);
        then.run();
      }

      @Override
      public void onCompleted() {
        then.run();
      }
    };
  }

  /** Streams that keep {@code window} renewals each under way. */
  Result keepAlive(int leases, int streams, int window, Duration length) {
    var stop = new AtomicBoolean();
    var all = new ArrayList<Renewing>();
    for (int i = 0; i < streams; i++) all.add(new Renewing(i, leases, streams, stop));
    all.forEach(stream -> stream.begin(window));
    idle(Duration.ofSeconds(1));
    all.forEach(Renewing::count);
    long began = System.nanoTime();
    idle(length);
    stop.set(true);
    var took = Duration.ofNanos(System.nanoTime() - began);
    var nanos = new Histogram(3);
    long count = 0;
    for (var stream : all) {
      stream.end();
      nanos.add(stream.nanos);
      count += stream.nanos.getTotalCount();
    }
    return new Result(count, took, nanos);
  }

  private final class Renewing implements StreamObserver<LeaseKeepAliveResponse> {
    private final int number;
    private final int leases;
    private final int streams;
    private final AtomicBoolean stop;
    private final CountDownLatch ended = new CountDownLatch(1);
    private final java.util.ArrayDeque<Long> sentAt = new java.util.ArrayDeque<>();
    private volatile Histogram nanos = new ConcurrentHistogram(3);
    private @Nullable StreamObserver<LeaseKeepAliveRequest> requests;
    private int next;

    Renewing(int number, int leases, int streams, AtomicBoolean stop) {
      this.number = number;
      this.leases = leases;
      this.streams = streams;
      this.stop = stop;
    }

    synchronized void begin(int window) {
      requests = LeaseGrpc.newStub(connection(number).channel()).leaseKeepAlive(this);
      for (int i = 0; i < window; i++) renewNext();
    }

    void count() {
      nanos = new ConcurrentHistogram(3);
    }

    private synchronized void renewNext() {
      int own = Math.max(1, leases / streams);
      long id = 1 + (number + (long) streams * (next++ % own)) % leases;
      sentAt.add(System.nanoTime());
      if (requests != null) requests.onNext(LeaseKeepAliveRequest.newBuilder().setID(id).build());
    }

    @Override
    public synchronized void onNext(LeaseKeepAliveResponse response) {
      if (response.getTTL() <= 0) throw new IllegalStateException("a lease is gone");
      if (stop.get()) return;
      nanos.recordValue(System.nanoTime() - sentAt.remove());
      renewNext();
    }

    @Override
    public void onError(Throwable failure) {
      ended.countDown();
    }

    @Override
    public void onCompleted() {
      ended.countDown();
    }

    void end() {
      if (requests != null) requests.onCompleted();
      await(ended);
    }
  }

  /** Clients that each grant a lease, attach a key to it, and revoke it, again and again. */
  Result cycles(int clients, Duration length) {
    long until = System.nanoTime() + length.toNanos();
    var nanos = new ConcurrentHistogram(3);
    long began = System.nanoTime();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var all = new ArrayList<Future<?>>();
      for (int i = 0; i < clients; i++) {
        int client = i;
        all.add(
            threads.submit(
                () -> {
                  while (System.nanoTime() - until < 0) {
                    long cycle = System.nanoTime();
                    cycle(client);
                    nanos.recordValue(System.nanoTime() - cycle);
                  }
                }));
      }
      all.forEach(LeaseLoads::join);
    }
    return new Result(nanos.getTotalCount(), Duration.ofNanos(System.nanoTime() - began), nanos);
  }

  private void cycle(int client) {
    var channel = connection(client).channel();
    var leases = LeaseGrpc.newBlockingStub(channel);
    long id = leases.leaseGrant(LeaseGrantRequest.newBuilder().setTTL(600).build()).getID();
    var put =
        PutRequest.newBuilder()
            .setKey(ByteString.copyFromUtf8("cycle/" + client))
            .setValue(ByteString.copyFromUtf8("v"))
            .setLease(id)
            .build();
    var unused = KVGrpc.newBlockingStub(channel).put(put);
    var gone = leases.leaseRevoke(LeaseRevokeRequest.newBuilder().setID(id).build());
    if (!gone.hasHeader()) throw new IllegalStateException("no header");
  }

  /** Puts at a steady pace, whatever becomes of the ones before, until told to stop. */
  Result puts(int perSecond, CompletableFuture<?> stop) {
    var nanos = new ConcurrentHistogram(3);
    var failed = new AtomicReference<@Nullable Throwable>();
    var open = new Semaphore(Integer.MAX_VALUE);
    long began = System.nanoTime();
    long gap = TimeUnit.SECONDS.toNanos(1) / perSecond;
    int sent = 0;
    while (!stop.isDone()) {
      idle(Duration.ofNanos(began + sent * gap - System.nanoTime()));
      long at = began + sent * gap;
      var put =
          PutRequest.newBuilder()
              .setKey(ByteString.copyFromUtf8("put/" + sent % 1000))
              .setValue(ByteString.copyFromUtf8("v"))
              .build();
      open.acquireUninterruptibly();
      KVGrpc.newStub(connection(sent++).channel())
          .put(
              put,
              done(
                  failed,
                  () -> {
                    nanos.recordValue(System.nanoTime() - at);
                    open.release();
                  }));
    }
    open.acquireUninterruptibly(Integer.MAX_VALUE);
    if (failed.get() != null) throw new IllegalStateException("a put failed", failed.get());
    return new Result(sent, Duration.ofNanos(System.nanoTime() - began), nanos);
  }

  /** So many wait for one lock, and each gives it on as soon as it has it. */
  Result handOver(int waiters, int round) {
    var name = ByteString.copyFromUtf8("lock/" + round);
    var first = lock(0, name, 1_000_000L * (round + 1)).join();
    var nanos = new ConcurrentHistogram(3);
    var before = new AtomicReference<>(0L);
    var all = new ArrayList<CompletableFuture<?>>();
    for (int i = 1; i <= waiters; i++) {
      int waiter = i;
      all.add(
          lock(i, name, 1_000_000L * (round + 1) + i)
              .thenAccept(
                  key -> {
                    long now = System.nanoTime();
                    nanos.recordValue(now - before.getAndSet(now));
                    unlock(waiter, key);
                  }));
    }
    idle(Duration.ofSeconds(1));
    long began = System.nanoTime();
    before.set(began);
    unlock(0, first);
    all.forEach(LeaseLoads::join);
    return new Result(waiters, Duration.ofNanos(System.nanoTime() - began), nanos);
  }

  private CompletableFuture<ByteString> lock(int client, ByteString name, long lease) {
    var channel = connection(client).channel();
    var granted =
        LeaseGrpc.newBlockingStub(channel)
            .leaseGrant(LeaseGrantRequest.newBuilder().setID(lease).setTTL(600).build());
    var key = new CompletableFuture<ByteString>();
    LockGrpc.newStub(channel)
        .lock(
            LockRequest.newBuilder().setName(name).setLease(granted.getID()).build(),
            new StreamObserver<>() {
              @Override
              public void onNext(io.etcd.jetcd.api.lock.LockResponse response) {
                key.complete(response.getKey());
              }

              @Override
              public void onError(Throwable failure) {
                key.completeExceptionally(failure);
              }

              @Override
              public void onCompleted() {}
            });
    return key;
  }

  private void unlock(int client, ByteString key) {
    LockGrpc.newStub(connection(client).channel())
        .unlock(
            UnlockRequest.newBuilder().setKey(key).build(),
            done(new AtomicReference<>(), () -> {}));
  }

  static void idle(Duration length) {
    long until = System.nanoTime() + length.toNanos();
    while (System.nanoTime() - until < 0)
      java.util.concurrent.locks.LockSupport.parkNanos(until - System.nanoTime());
  }

  private static void join(Future<?> future) {
    try {
      future.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    } catch (ExecutionException | java.util.concurrent.TimeoutException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      if (!latch.await(LIMIT.toSeconds(), TimeUnit.SECONDS))
        throw new IllegalStateException("a stream does not end");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    connections.forEach(Connection::close);
  }
}
