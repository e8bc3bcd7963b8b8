package io.kvorum.actors.watch;

import io.kvorum.actors.telemetry.EtcdMetrics;
import io.kvorum.actors.telemetry.Telemetry;
import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.WatchRequest;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import java.util.concurrent.Executor;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import org.apache.pekko.NotUsed;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.stream.javadsl.Source;

/** The watch streams of one group's clients. */
public final class WatchStreams {
  private final WatchStage stage;

  /**
   * @param hub the group's {@link WatchHub}
   * @param settings the same as the hub's
   * @param views the keyspace, at its newest
   * @param headers a full response header for a revision
   * @param readExecutor for blocking reads of history; may refuse when it is full, they are tried
   *     again
   */
  public WatchStreams(
      ActorRef<WatchHub.Message> hub,
      WatchHub.Settings settings,
      Supplier<ReadView> views,
      LongFunction<ResponseHeader> headers,
      Executor readExecutor,
      Telemetry telemetry) {
    this.stage =
        new WatchStage(hub, settings, views, headers, readExecutor, new EtcdMetrics(telemetry));
  }

  /**
   * The responses to one client's stream of requests, as fast as they are taken. Requests are
   * pulled only while their answers have room. The end of the requests does not end the responses
   * (a client may close its side and go on listening): that takes a cancellation, or a failure of
   * the requests. Fails with {@code etcdserver: server stopped} when the hub is gone.
   */
  public Source<WatchResponse, NotUsed> open(Source<WatchRequest, NotUsed> requests) {
    return requests.via(stage);
  }
}
