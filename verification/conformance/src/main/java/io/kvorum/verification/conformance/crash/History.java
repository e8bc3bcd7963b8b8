package io.kvorum.verification.conformance.crash;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.Event;
import io.etcd.jetcd.api.KeyValue;
import io.etcd.jetcd.api.RangeRequest;
import io.etcd.jetcd.api.WatchCreateRequest;
import io.etcd.jetcd.api.WatchRequest;
import io.etcd.jetcd.api.WatchResponse;
import io.grpc.stub.StreamObserver;
import io.kvorum.verification.conformance.harness.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Every change a server says it has ever made, by revision, as its watch tells it.
 *
 * @param current the store's revision when the history was read
 * @param revisions the records put under each revision, in their order
 */
record History(long current, NavigableMap<Long, List<KeyValue>> revisions) {
  private static final Duration READ_LIMIT = Duration.ofMinutes(2);
  private static final ByteString ALL = ByteString.copyFrom(new byte[] {0});

  static History read(Connection connection) {
    long current = currentRevision(connection);
    var revisions = new TreeMap<Long, List<KeyValue>>();
    if (current == 1) return new History(current, revisions);
    var complete = new CompletableFuture<Void>();
    var requests = connection.watch().watch(new Collector(current, revisions, complete));
    var create = WatchCreateRequest.newBuilder().setKey(ALL).setRangeEnd(ALL).setStartRevision(1);
    requests.onNext(WatchRequest.newBuilder().setCreateRequest(create).build());
    try {
      complete.get(READ_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException | ExecutionException e) {
      throw new AssertionError("the history up to " + current + " cannot be read", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    } finally {
      requests.onError(new CancellationException("read enough"));
    }
    return new History(current, revisions);
  }

  private static long currentRevision(Connection connection) {
    return connection
        .kv(Duration.ofSeconds(20))
        .range(RangeRequest.newBuilder().setKey(ALL).build())
        .getHeader()
        .getRevision();
  }

  private record Collector(
      long until, NavigableMap<Long, List<KeyValue>> revisions, CompletableFuture<Void> complete)
      implements StreamObserver<WatchResponse> {
    @Override
    public void onNext(WatchResponse response) {
      for (Event event : response.getEventsList()) {
        if (event.getType() != Event.EventType.PUT)
          complete.completeExceptionally(new AssertionError("nobody deletes, yet: " + event));
        long revision = event.getKv().getModRevision();
        if (revision > until) continue;
        if (!revisions.isEmpty() && revisions.lastKey() > revision)
          complete.completeExceptionally(
              new AssertionError(revision + " comes after " + revisions.lastKey()));
        revisions.computeIfAbsent(revision, r -> new ArrayList<>()).add(event.getKv());
      }
      // a revision is never split over two responses, so that its first event means all of it
      if (!revisions.isEmpty() && revisions.lastKey() >= until) complete.complete(null);
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
