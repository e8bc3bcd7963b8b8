package io.kvorum.actors.watch;

import io.kvorum.actors.telemetry.EtcdMetrics;
import io.kvorum.actors.telemetry.Telemetry;
import io.kvorum.protocol.etcdserverpb.WatchRequest;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.RejectedExecutionException;

/**
 * Hub, streams and readers of history in one thread: each has a queue, and the seed decides which
 * of them does its next piece of work. What threads do to each other's order by chance, this does
 * on purpose, and does again for the same seed.
 */
final class VirtualWatches {
  private static final EtcdMetrics METRICS = new EtcdMetrics(Telemetry.start());

  private final SplittableRandom random;
  private final Queue<Runnable> hubWork = new ArrayDeque<>();
  private final Queue<Runnable> reads = new ArrayDeque<>();
  private final List<Client> clients = new ArrayList<>();
  private final WatchFanout fanout;
  private final WatchStreams streams;
  final FakeStore store = new FakeStore();
  final WatchPublisher publisher;
  private boolean refusesReads;

  VirtualWatches(WatchHub.Settings settings, SplittableRandom random) {
    this.random = random;
    this.fanout =
        new WatchFanout(settings, store, store::tellPreviousValues, () -> hubWork.add(this::again));
    this.streams = new WatchStreams(settings, store, WatchFixture::header, this::read, METRICS);
    this.publisher = new WatchPublisher(this::tellHub, settings);
  }

  private void read(Runnable task) {
    if (refusesReads) {
      throw new RejectedExecutionException("full");
    }
    reads.add(task);
  }

  /** From now on whoever lags stays where he is. */
  void refuseReads() {
    refusesReads = true;
  }

  private void again() {
    fanout.goOn();
  }

  private void tellHub(WatchHub.Message message) {
    hubWork.add(() -> fanout.onMessage(message));
  }

  /** What all streams are charged with together. */
  long heldBytes() {
    return streams.heldBytes();
  }

  Client client() {
    var client = new Client();
    clients.add(client);
    client.session.open();
    return client;
  }

  /** Somebody does the next thing that is to be done; false if there is nothing. */
  boolean work() {
    var busy = new ArrayList<Queue<Runnable>>();
    if (!hubWork.isEmpty()) {
      busy.add(hubWork);
    }
    if (!reads.isEmpty()) {
      busy.add(reads);
    }
    for (var client : clients) {
      if (!client.tasks.isEmpty()) {
        busy.add(client.tasks);
      }
    }
    if (busy.isEmpty()) {
      return false;
    }
    busy.get(random.nextInt(busy.size())).remove().run();
    return true;
  }

  /** One stream; its client takes something only when told to. */
  final class Client implements WatchSession.Outside {
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final Queue<WatchRequest> requests = new ArrayDeque<>();
    private final WatchSession session = streams.session(this);
    boolean intervals;

    void send(WatchRequest request) {
      requests.add(request);
      tasks.add(this::takeRequest);
    }

    private void takeRequest() {
      if (session.acceptsRequest()) {
        var next = requests.poll();
        if (next != null) {
          session.onRequest(next);
        }
      }
    }

    void interval() {
      session.onProgressInterval();
    }

    boolean hasRequests() {
      return !requests.isEmpty();
    }

    /** What the client gets for one more piece of demand. */
    List<WatchResponse> take() {
      var chunk = session.poll();
      if (!requests.isEmpty()) {
        tasks.add(this::takeRequest);
      }
      return chunk == null ? List.of() : WatchFixture.responses(chunk);
    }

    void close() {
      tasks.clear();
      session.close();
      clients.remove(this);
    }

    @Override
    public void tellHub(WatchHub.Message message) {
      VirtualWatches.this.tellHub(message);
    }

    @Override
    public void ring() {
      tasks.add(session::onReplies);
    }

    @Override
    public void later(Runnable task) {
      tasks.add(task);
    }

    @Override
    public void tryAgain() {
      tasks.add(session::onTryAgain);
    }

    @Override
    public void startProgressInterval() {
      intervals = true;
    }

    @Override
    public void fail(Throwable cause) {
      throw new AssertionError("the stream failed", cause);
    }
  }
}
