package io.kvorum.verification.conformance.differential;

import io.etcd.jetcd.api.ResponseHeader;
import io.etcd.jetcd.api.WatchRequest;
import io.etcd.jetcd.api.WatchResponse;
import io.grpc.stub.StreamObserver;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** One watch stream and what came of it: for each watch in order, and how much in all. */
final class WatchedStream implements StreamObserver<WatchResponse> {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Duration PROGRESS_AGAIN = Duration.ofMillis(50);

  private final StreamObserver<WatchRequest> requests;

  /** What has come for each watch since the last comparison. */
  private final TreeMap<Long, List<String>> said = new TreeMap<>();

  private long answers;
  private long events;
  private long awaitedAnswers;
  private long awaitedEvents;
  private long progress;
  private @Nullable Throwable failure;

  WatchedStream(Connection server) {
    this.requests = server.watch().watch(this);
  }

  synchronized long answers() {
    return answers;
  }

  synchronized long events() {
    return events;
  }

  void send(WatchRequest request) {
    requests.onNext(request);
  }

  void close() {
    requests.onCompleted();
  }

  @Override
  public synchronized void onNext(WatchResponse response) {
    long revision = response.getHeader().getRevision();
    var lines = said.computeIfAbsent(response.getWatchId(), id -> new ArrayList<>());
    if (response.getCreated() || response.getCanceled()) {
      var whole = response.toBuilder().setHeader(ResponseHeader.newBuilder().setRevision(revision));
      lines.add(whole.build().toString());
      answers++;
    } else if (response.getEventsCount() == 0) {
      // However often it was asked for, until there was an answer.
      progress = Math.max(progress, revision);
    } else {
      // One response may say what another server says in two; not one revision, though.
      long last = 0;
      for (var event : response.getEventsList()) {
        long of = event.getKv().getModRevision();
        lines.add((of == last ? "and " : "at " + revision + " ") + event);
        last = of;
      }
      events += response.getEventsCount();
    }
  }

  @Override
  public synchronized void onError(Throwable cause) {
    failure = cause;
  }

  @Override
  public void onCompleted() {
    onError(new IllegalStateException("the stream is complete"));
  }

  /** Waits for so much more than was waited for so far. */
  void await(long moreAnswers, long moreEvents) {
    awaitedAnswers += moreAnswers;
    awaitedEvents += moreEvents;
    if (!Await.holdsWithin(PATIENCE, this::hasAwaited))
      throw new AssertionError(this + " says less");
  }

  private synchronized boolean hasAwaited() {
    return failure != null || answers >= awaitedAnswers && events >= awaitedEvents;
  }

  /** Asks until it is told. */
  void awaitProgress(WatchRequest request, long revision) {
    for (long waited = 0; waited < PATIENCE.toMillis(); waited += PROGRESS_AGAIN.toMillis()) {
      send(request);
      if (Await.holdsWithin(PROGRESS_AGAIN, () -> hasProgress(revision))) return;
    }
    throw new AssertionError(this + " does not tell progress to " + revision);
  }

  private synchronized boolean hasProgress(long revision) {
    return progress >= revision;
  }

  /** Throws an {@link AssertionError} where the other was told something else; forgets the rest. */
  void compareWith(WatchedStream other) {
    var right = take();
    var given = other.take();
    if (!right.equals(given))
      throw new AssertionError("the reference says\n" + right + "\nthe subject\n" + given);
  }

  private synchronized TreeMap<Long, List<String>> take() {
    if (failure != null) throw new AssertionError("the stream has ended", failure);
    if (answers != awaitedAnswers || events != awaitedEvents)
      throw new AssertionError(this + " says more");
    var taken = new TreeMap<>(said);
    taken.values().removeIf(List::isEmpty);
    said.clear();
    return taken;
  }

  @Override
  public synchronized String toString() {
    return "a stream with %d answers and %d events, of %d and %d; progress %d; since the last step %s"
        .formatted(answers, events, awaitedAnswers, awaitedEvents, progress, said);
  }
}
