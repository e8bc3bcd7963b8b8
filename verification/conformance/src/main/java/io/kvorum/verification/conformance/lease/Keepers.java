package io.kvorum.verification.conformance.lease;

import io.etcd.jetcd.api.LeaseGrpc;
import io.etcd.jetcd.api.LeaseKeepAliveRequest;
import io.etcd.jetcd.api.LeaseKeepAliveResponse;
import io.grpc.stub.StreamObserver;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.MachineTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Clients that keep leases alive as the official ones do: each over one stream to one member, and
 * over another member's as soon as that one fails or has nothing to say.
 */
public final class Keepers implements AutoCloseable {
  private static final Duration SILENCE = Duration.ofSeconds(2);

  private final List<String> addresses;
  private final Duration period;
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private final List<Keeper> keepers = new ArrayList<>();
  private final ConcurrentLinkedQueue<Long> lost = new ConcurrentLinkedQueue<>();
  private final AtomicLong renewed = new AtomicLong();

  private Keepers(List<String> addresses, Duration period) {
    this.addresses = addresses;
    this.period = period;
  }

  /**
   * Begins.
   *
   * @param addresses of all members
   * @param period between two renewals of a lease
   */
  public static Keepers of(
      List<Long> leases, int clients, List<String> addresses, Duration period) {
    var keepers = new Keepers(addresses, period);
    for (int i = 0; i < clients; i++) {
      var own = new ArrayList<Long>();
      for (int j = i; j < leases.size(); j += clients) own.add(leases.get(j));
      keepers.keepers.add(keepers.new Keeper(own, i));
    }
    keepers.keepers.forEach(Keeper::begin);
    return keepers;
  }

  /** Leases of which some member has said that they are gone. */
  public List<Long> lost() {
    return List.copyOf(lost);
  }

  /** Renewals that were answered. */
  public long renewed() {
    return renewed.get();
  }

  @Override
  public void close() {
    timer.shutdownNow();
    keepers.forEach(Keeper::end);
  }

  private final class Keeper {
    private final List<Long> leases;
    private final AtomicInteger address;
    private @Nullable Connection connection;
    private @Nullable StreamObserver<LeaseKeepAliveRequest> requests;
    private volatile long answeredAtNanos = MachineTime.nanos();
    private int generation;

    Keeper(List<Long> leases, int address) {
      this.leases = leases;
      this.address = new AtomicInteger(address);
    }

    void begin() {
      timer.scheduleAtFixedRate(this::renewAll, 0, period.toMillis(), TimeUnit.MILLISECONDS);
      timer.scheduleAtFixedRate(this::moveOnIfSilent, 500, 500, TimeUnit.MILLISECONDS);
    }

    private synchronized void renewAll() {
      if (requests == null) open();
      var stream = requests;
      if (stream == null) return;
      for (long id : leases) stream.onNext(LeaseKeepAliveRequest.newBuilder().setID(id).build());
    }

    private synchronized void moveOnIfSilent() {
      long silentFor = MachineTime.nanos() - answeredAtNanos;
      if (requests == null || silentFor > period.plus(SILENCE).toNanos()) {
        end();
        renewAll();
      }
    }

    private void open() {
      answeredAtNanos = MachineTime.nanos();
      int opened = ++generation;
      var next = addresses.get(Math.floorMod(address.getAndIncrement(), addresses.size()));
      connection = Connection.to(next);
      requests =
          LeaseGrpc.newStub(connection.channel())
              .leaseKeepAlive(
                  new StreamObserver<LeaseKeepAliveResponse>() {
                    @Override
                    public void onNext(LeaseKeepAliveResponse response) {
                      answeredAtNanos = MachineTime.nanos();
                      renewed.incrementAndGet();
                      if (response.getTTL() <= 0) lost.add(response.getID());
                    }

                    @Override
                    public void onError(Throwable failure) {
                      broken(opened);
                    }

                    @Override
                    public void onCompleted() {
                      broken(opened);
                    }
                  });
    }

    private void broken(int opened) {
      try {
        timer.execute(
            () -> {
              synchronized (this) {
                if (opened == generation) requests = null;
              }
            });
      } catch (java.util.concurrent.RejectedExecutionException over) {
        // all keepers are being ended
        generation = 0;
      }
    }

    synchronized void end() {
      requests = null;
      generation++;
      if (connection != null) connection.channel().shutdownNow();
      connection = null;
    }
  }
}
