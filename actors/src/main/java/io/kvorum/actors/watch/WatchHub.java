package io.kvorum.actors.watch;

import io.kvorum.actors.telemetry.Telemetry;
import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.persistence.mvcc.RevisionEvents;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * The actor that spreads the events of one group over the streams of its clients. The package's
 * page tells how it works with them; {@link WatchFanout} is what it does.
 */
public final class WatchHub {

  /** What the hub is told. */
  public sealed interface Message permits Publish, Jump, Spread, PublisherMessage, StreamMessage {}

  /**
   * What was committed, in order. Whatever is missing between two of these is taken from the
   * keyspace's history. Send it through a {@link WatchPublisher}, which bounds what is under way.
   */
  public record Publish(List<RevisionEvents> revisions) implements Message {
    public Publish {
      revisions = List.copyOf(revisions);
    }
  }

  /**
   * The keyspace was replaced by a snapshot and stands at {@code currentRevision}: what lies
   * between is only in its history, and every watcher goes there.
   */
  public record Jump(long currentRevision) implements Message {}

  /** To itself: the next part of the work that is left. */
  enum Spread implements Message {
    NEXT
  }

  /**
   * Bounds and intervals.
   *
   * @param ringRevisions newest revisions kept in memory; older ones are read from the keyspace
   * @param ringBytes the same bound in bytes of events
   * @param streamBytes of live responses that wait for one client; beyond, its watchers lag
   * @param streamsBytes the same for all clients together; beyond, whoever has any waiting lags
   * @param controlResponses answers to requests that wait for one client; beyond, its requests wait
   * @param chunkBytes responses that are handed to a connection together; one may be larger
   * @param portionRevisions revisions of the past read at once
   * @param portionBytes the same bound in bytes; one revision may be larger
   * @param portionEvents the same bound in events that a stream's watchers get of them together
   * @param historyBytes portions of history kept for the next who wants them
   * @param fragmentBytes responses from this size on are cut for those who asked for it
   * @param backlogBytes events that wait for the hub; beyond, they are left to history
   * @param progressInterval between progress notifications; up to a tenth is added at random
   */
  public record Settings(
      int ringRevisions,
      long ringBytes,
      long streamBytes,
      long streamsBytes,
      int controlResponses,
      int chunkBytes,
      int portionRevisions,
      long portionBytes,
      int portionEvents,
      long historyBytes,
      long fragmentBytes,
      long backlogBytes,
      Duration progressInterval) {

    /** etcd raises a smaller progress interval to this. */
    private static final Duration PROGRESS_INTERVAL_MIN = Duration.ofMillis(100);

    public Settings {
      if (progressInterval.compareTo(PROGRESS_INTERVAL_MIN) < 0) {
        progressInterval = PROGRESS_INTERVAL_MIN;
      }
    }

    /** etcd's figures where it has them; limits of gRPC messages as by default. */
    public static Settings defaults() {
      return new Settings(
          4096,
          16L << 20,
          1L << 20,
          64L << 20,
          16,
          32 << 10,
          1000,
          128L << 10,
          16_384,
          8L << 20,
          (1536L << 10) + (512L << 10),
          8L << 20,
          Duration.ofMinutes(10));
    }

    /**
     * With what the server is configured to.
     *
     * @param requestBytesMax --max-request-bytes
     * @param interval --watch-progress-notify-interval
     */
    public Settings with(long requestBytesMax, Duration interval) {
      return new Settings(
          ringRevisions,
          ringBytes,
          streamBytes,
          streamsBytes,
          controlResponses,
          chunkBytes,
          portionRevisions,
          portionBytes,
          portionEvents,
          historyBytes,
          requestBytesMax + (512L << 10),
          backlogBytes,
          interval);
    }
  }

  /** The writer's side of prev_kv: it may save reading values that nobody wants. */
  public interface PreviousValues {
    void wanted(boolean wanted);
  }

  private WatchHub() {}

  /**
   * @param views the keyspace; what it holds when the hub starts is history, what is published
   *     later is live
   * @param previousValues told whether any watcher wants them
   * @param telemetry shows how much the ring holds
   */
  public static Behavior<Message> create(
      Settings settings,
      Supplier<ReadView> views,
      PreviousValues previousValues,
      Telemetry telemetry) {
    return Behaviors.setup(
        context -> {
          var self = context.getSelf();
          var fanout =
              new WatchFanout(settings, views, previousValues, () -> self.tell(Spread.NEXT));
          var ring = fanout.ring();
          telemetry.sampled("kvorum_watch_ring_revisions", ring::shownSize);
          telemetry.sampled("kvorum_watch_ring_bytes", ring::shownBytes);
          return Behaviors.receiveMessage(
              message -> {
                fanout.onMessage(message);
                return Behaviors.same();
              });
        });
  }
}
