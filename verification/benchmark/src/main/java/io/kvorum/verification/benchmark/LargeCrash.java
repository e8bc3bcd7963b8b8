package io.kvorum.verification.benchmark;

import com.google.common.util.concurrent.FutureCallback;
import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.MoreExecutors;
import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.KVGrpc;
import io.etcd.jetcd.api.KeyValue;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.PutResponse;
import io.etcd.jetcd.api.RangeRequest;
import io.etcd.jetcd.api.RangeResponse;
import io.kvorum.verification.conformance.harness.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Clients that put keys, each key once, until the server is killed; and what a server must show
 * afterwards.
 */
final class LargeCrash {
  private static final int CONNECTIONS = 4;
  private static final int CLIENTS = 256;
  private static final Duration READ_LIMIT = Duration.ofSeconds(60);
  private static final int PAGE_KEYS = 10_000;

  private final int keys;
  private final long tag;
  private final LargeKeys.Shuffled order;
  private final AtomicInteger next = new AtomicInteger();
  private final Queue<Integer> acknowledged = new ConcurrentLinkedQueue<>();

  LargeCrash(int keys, long seed) {
    this.keys = keys;
    this.order = new LargeKeys.Shuffled(keys, seed);
    this.tag = new SplittableRandom(seed).nextLong();
  }

  /** Puts for so long, and has the server killed with puts under way. */
  int putAndKill(Contender server, Duration length) {
    var connections = new ArrayList<Connection>();
    try {
      for (int i = 0; i < CONNECTIONS; i++) connections.add(server.client());
      for (int i = 0; i < CLIENTS; i++)
        putNext(KVGrpc.newFutureStub(connections.get(i % CONNECTIONS).channel()));
      LockSupport.parkNanos(length.toNanos());
      server.kill();
    } finally {
      connections.forEach(Connection::close);
    }
    return acknowledged.size();
  }

  private void putNext(KVGrpc.KVFutureStub stub) {
    int number;
    do {
      int index = next.getAndIncrement();
      if (index >= keys) return;
      number = order.at(index);
    } while (number == 0); // that one is put after the start
    put(stub, number);
  }

  private void put(KVGrpc.KVFutureStub stub, int number) {
    var request =
        PutRequest.newBuilder()
            .setKey(ByteString.copyFrom(LargeKeys.key(number)))
            .setValue(ByteString.copyFrom(LargeKeys.value(number, tag)))
            .build();
    Futures.addCallback(
        stub.put(request),
        new FutureCallback<PutResponse>() {
          @Override
          public void onSuccess(PutResponse response) {
            acknowledged.add(number);
            putNext(stub);
          }

          @Override
          public void onFailure(Throwable killed) {
            // the client stops
          }
        },
        MoreExecutors.directExecutor());
  }

  /** Every put that was acknowledged before the kill. */
  void checkAcknowledged(Contender server) {
    readEach(
        server,
        acknowledged.stream().iterator(),
        (number, found) -> {
          if (found != tag)
            throw new AssertionError("the acknowledged put of " + number + " is lost");
        });
  }

  /** Keys at random, and how many there are. */
  static void checkSample(Contender server, int keys, int sample, long seed) {
    var random = new SplittableRandom(seed);
    readEach(server, random.ints(sample, 0, keys).iterator(), (number, found) -> {});
    try (var connection = server.client()) {
      long count = range(connection, all().setCountOnly(true)).getCount();
      if (count != keys) throw new AssertionError(count + " keys in place of " + keys);
    }
  }

  private interface TagCheck {
    /** Throws an AssertionError if the key must not have a value with this tag. */
    void check(int number, long tag);
  }

  /** Reads keys, many at a time. Each must have a value that belongs to it. */
  private static void readEach(Contender server, Iterator<Integer> numbers, TagCheck right) {
    var underWay = new Semaphore(CLIENTS);
    var wrong = new AtomicReference<@Nullable Throwable>();
    try (var connection = server.client()) {
      var stub = KVGrpc.newFutureStub(connection.channel());
      while (numbers.hasNext() && wrong.get() == null) {
        int number = numbers.next();
        underWay.acquireUninterruptibly();
        var key = ByteString.copyFrom(LargeKeys.key(number));
        Futures.addCallback(
            stub.range(RangeRequest.newBuilder().setKey(key).build()),
            new FutureCallback<RangeResponse>() {
              @Override
              public void onSuccess(RangeResponse response) {
                try {
                  right.check(number, tagOf(number, response.getKvsList()));
                } catch (AssertionError broken) {
                  wrong.set(broken);
                }
                underWay.release();
              }

              @Override
              public void onFailure(Throwable failure) {
                wrong.set(failure);
                underWay.release();
              }
            },
            MoreExecutors.directExecutor());
      }
      underWay.acquireUninterruptibly(CLIENTS);
    }
    var broken = wrong.get();
    if (broken != null) throw new AssertionError(broken.getMessage(), broken);
  }

  /** Each key, in order, page after page. */
  static void checkAll(Contender server, int keys) {
    try (var connection = server.client()) {
      for (int number = 0; number < keys; ) {
        var page =
            range(
                connection,
                all().setKey(ByteString.copyFrom(LargeKeys.key(number))).setLimit(PAGE_KEYS));
        if (page.getKvsCount() == 0) throw new AssertionError("nothing from " + number + " on");
        for (var record : page.getKvsList()) {
          if (!record.getKey().equals(ByteString.copyFrom(LargeKeys.key(number))))
            throw new AssertionError(record.getKey() + " in place of " + number);
          long unused = tagOf(number, List.of(record));
          number++;
        }
      }
    }
  }

  private static RangeRequest.Builder all() {
    var zero = ByteString.copyFrom(new byte[1]);
    return RangeRequest.newBuilder().setKey(zero).setRangeEnd(zero);
  }

  private static RangeResponse range(Connection connection, RangeRequest.Builder request) {
    return connection.kv(READ_LIMIT).range(request.build());
  }

  private static long tagOf(int number, List<KeyValue> found) {
    var tag =
        found.size() == 1 ? LargeKeys.tag(number, found.getFirst().getValue().toByteArray()) : null;
    if (tag == null) throw new AssertionError("key " + number + " is read as " + found);
    return tag;
  }
}
