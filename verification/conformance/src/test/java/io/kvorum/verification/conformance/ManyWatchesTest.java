package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.WatchCreateRequest;
import io.etcd.jetcd.api.WatchRequest;
import io.etcd.jetcd.api.WatchResponse;
import io.grpc.stub.StreamObserver;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.Directories;
import io.kvorum.verification.conformance.harness.ServerProcess;
import io.kvorum.verification.conformance.harness.ServerProcess.Settings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A hundred thousand watches on one stream, with the heap that the package gives its server. */
class ManyWatchesTest {
  private static final int WATCHES = 100_000;
  private static final int PUTS = 500;
  private static final Duration LIMIT = Duration.ofSeconds(60);

  @Test
  void eachEventReachesTheWatchesThatMatchAndNoOther() {
    try (var server =
            ServerProcess.start(Binaries.kvorum(), Settings.plain().dataUnder(Directories.fast()));
        var connection = Connection.to(server.address())) {
      var seen = new Seen();
      var requests = connection.watch().watch(seen);
      for (int i = 0; i < WATCHES; i++) requests.onNext(watch(i));
      Await.until("all watches are created", LIMIT, () -> seen.created() == WATCHES);

      var random = new Random(1);
      var expected = new ArrayList<String>();
      for (int i = 0; i < PUTS; i++) {
        int at = random.nextInt(WATCHES);
        var put = PutRequest.newBuilder().setKey(key(at)).build();
        long revision = connection.kv().put(put).getHeader().getRevision();
        expected.add(at + " at " + revision);
        // Each hundredth key belongs to a range as well, which the watch before it has.
        if (at % 100 == 0 && at > 0) expected.add((at - 1) + " at " + revision);
      }
      Await.until("all events are there", LIMIT, () -> seen.events().size() >= expected.size());
      var events = seen.events();
      events.sort(null);
      expected.sort(null);
      assertEquals(expected, events);
      requests.onCompleted();
    }
  }

  private static ByteString key(int i) {
    return ByteString.copyFromUtf8("many/%06d".formatted(i));
  }

  /** Ids are given in the order of the requests, from 0. */
  private static WatchRequest watch(int i) {
    var create = WatchCreateRequest.newBuilder().setKey(key(i));
    if (i % 100 == 99) create.setRangeEnd(key(i + 2));
    return WatchRequest.newBuilder().setCreateRequest(create).build();
  }

  private static final class Seen implements StreamObserver<WatchResponse> {
    private final List<String> events = new ArrayList<>();
    private int created;

    synchronized int created() {
      return created;
    }

    synchronized List<String> events() {
      return new ArrayList<>(events);
    }

    @Override
    public synchronized void onNext(WatchResponse response) {
      if (response.getCreated()) {
        assertEquals(created, response.getWatchId());
        created++;
      }
      for (var event : response.getEventsList())
        events.add(response.getWatchId() + " at " + event.getKv().getModRevision());
    }

    @Override
    public synchronized void onError(Throwable failure) {
      events.add(failure.toString());
    }

    @Override
    public void onCompleted() {}
  }
}
