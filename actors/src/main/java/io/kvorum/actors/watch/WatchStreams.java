package io.kvorum.actors.watch;

import io.kvorum.actors.telemetry.EtcdMetrics;
import io.kvorum.actors.telemetry.Telemetry;
import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.WatchRequest;
import java.util.concurrent.Executor;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import org.apache.pekko.NotUsed;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.stream.javadsl.Source;

/** The watch streams of one group's clients. */
public final class WatchStreams {
  /** Where history is read: nothing else waits for the disk there. */
  public static final String HISTORY_DISPATCHER = "kvorum.watch-history-dispatcher";

  /** What all streams of a group have in common. */
  record Shared(
      WatchHub.Settings settings,
      Supplier<ReadView> views,
      LongFunction<ResponseHeader> headers,
      EtcdMetrics metrics,
      HistoryReads history,
      StreamPort.Budget budget,
      StreamLags lags) {
    long currentRevision() {
      try (var view = views.get()) {
        return view.currentRevision();
      }
    }
  }

  private final Shared shared;

  /**
   * @param settings the same as the hub's
   * @param views the keyspace, at its newest
   * @param headers a full response header for a revision
   * @param historyExecutor for blocking reads of history; may refuse when it is full, they are
   *     tried again
   */
  public WatchStreams(
      WatchHub.Settings settings,
      Supplier<ReadView> views,
      LongFunction<ResponseHeader> headers,
      Executor historyExecutor,
      EtcdMetrics metrics) {
    this.shared =
        new Shared(
            settings,
            views,
            headers,
            metrics,
            new HistoryReads(views, historyExecutor, settings),
            new StreamPort.Budget(settings.streamsBytes()),
            new StreamLags());
  }

  /** What waits for all clients together, as it counts for {@link WatchHub.Settings}. */
  long heldBytes() {
    return shared.budget().held();
  }

  /** Shows from now on how far behind the slowest watcher is. */
  public void show(Telemetry telemetry) {
    telemetry.sampled("kvorum_watch_slowest_lag_revisions", this::slowestLag);
  }

  private double slowestLag() {
    return shared.lags().slowest(shared.currentRevision());
  }

  /** One client's stream, for who drives it without Pekko Streams. */
  public WatchSession session(WatchSession.Outside outside) {
    return new WatchSession(shared, outside);
  }

  /**
   * The responses to one client's stream of requests, as fast as they are taken, those that wait
   * together in one element. Requests are pulled only while their answers have room. The end of the
   * requests does not end the responses (a client may close its side and go on listening): that
   * takes a cancellation, or a failure of the requests. Fails with {@code etcdserver: server
   * stopped} when the hub is gone.
   *
   * @param hub the group's {@link WatchHub}
   */
  public Source<ResponseChunk, NotUsed> open(
      ActorRef<WatchHub.Message> hub, Source<WatchRequest, NotUsed> requests) {
    return requests.via(new WatchStage(hub, this, shared.settings().progressInterval()));
  }
}
