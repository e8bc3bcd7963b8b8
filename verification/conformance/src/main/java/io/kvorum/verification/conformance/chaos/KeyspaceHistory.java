package io.kvorum.verification.conformance.chaos;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.Event;
import io.etcd.jetcd.api.WatchCreateRequest;
import io.etcd.jetcd.api.WatchRequest;
import io.etcd.jetcd.api.WatchResponse;
import io.grpc.stub.StreamObserver;
import io.kvorum.verification.conformance.harness.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Every change one member says was made, by revision, as its watch tells it.
 *
 * @param from the first revision asked for
 * @param until the last one
 * @param events under each revision, in their order
 */
record KeyspaceHistory(long from, long until, NavigableMap<Long, List<Event>> events) {
  private static final Duration READ_LIMIT = Duration.ofMinutes(1);
  private static final ByteString ALL = ByteString.copyFrom(new byte[] {0});

  /** Until is a revision that the member has reached. */
  static KeyspaceHistory read(Connection connection, long from, long until) {
    var events = new TreeMap<Long, List<Event>>();
    if (from > until) return new KeyspaceHistory(from, until, events);
    var complete = new CompletableFuture<Void>();
    var requests = connection.watch().watch(new Collector(until, events, complete));
    var create =
        WatchCreateRequest.newBuilder().setKey(ALL).setRangeEnd(ALL).setStartRevision(from);
    requests.onNext(WatchRequest.newBuilder().setCreateRequest(create).build());
    try {
      complete.get(READ_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException | ExecutionException e) {
      throw new AssertionError(
          "the history from %d to %d cannot be read".formatted(from, until), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    } finally {
      requests.onError(new CancellationException("read enough"));
    }
    return new KeyspaceHistory(from, until, events);
  }

  /**
   * @throws AssertionError at the first revision without a change
   */
  void checkGapless() {
    for (long revision = from; revision <= until; revision++)
      if (!events.containsKey(revision))
        throw new AssertionError("nothing was changed at revision " + revision);
  }

  /**
   * @throws AssertionError at the first revision at which they differ
   */
  void checkEqual(String own, String others, KeyspaceHistory other) {
    if (events.equals(other.events)) return;
    for (long revision = from; revision <= until; revision++) {
      var here = events.get(revision);
      var there = other.events.get(revision);
      if (here == null ? there != null : !here.equals(there))
        throw new AssertionError(
            "revision %d is on %s: %s and on %s: %s".formatted(revision, own, here, others, there));
    }
  }

  /** One revision for a reader. */
  static String line(Map.Entry<Long, List<Event>> revision) {
    var text = new StringBuilder().append(revision.getKey());
    for (var event : revision.getValue())
      text.append(' ')
          .append(event.getType())
          .append(' ')
          .append(event.getKv().getKey().toStringUtf8())
          .append('=')
          .append(event.getKv().getValue().toStringUtf8());
    return text.toString();
  }

  private record Collector(
      long until, NavigableMap<Long, List<Event>> events, CompletableFuture<Void> complete)
      implements StreamObserver<WatchResponse> {
    @Override
    public void onNext(WatchResponse response) {
      if (response.getCanceled())
        complete.completeExceptionally(new AssertionError("the watch was ended: " + response));
      for (var event : response.getEventsList()) {
        long revision = event.getKv().getModRevision();
        if (revision > until) continue;
        if (!events.isEmpty() && events.lastKey() > revision)
          complete.completeExceptionally(
              new AssertionError(revision + " comes after " + events.lastKey()));
        events.computeIfAbsent(revision, r -> new ArrayList<>()).add(event);
      }
      // a revision is never split over two responses, so that its first event means all of it
      if (!events.isEmpty() && events.lastKey() >= until) complete.complete(null);
    }

    @Override
    public void onError(Throwable failure) {
      complete.completeExceptionally(failure);
    }

    @Override
    public void onCompleted() {
      complete.completeExceptionally(new AssertionError("the watch was ended"));
    }
  }
}
