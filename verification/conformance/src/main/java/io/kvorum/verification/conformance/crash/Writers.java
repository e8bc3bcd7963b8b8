package io.kvorum.verification.conformance.crash;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.KVGrpc;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.RangeRequest;
import io.etcd.jetcd.api.RequestOp;
import io.etcd.jetcd.api.TxnRequest;
import io.grpc.StatusRuntimeException;
import io.kvorum.verification.conformance.crash.Ledger.Entry;
import io.kvorum.verification.conformance.harness.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Clients that write one thing after the other until their server is gone, each on a connection of
 * its own.
 */
final class Writers implements AutoCloseable {
  private static final int KEYS = 200;
  private static final int TXN_PUTS = 3;
  private static final Duration CALL_LIMIT = Duration.ofSeconds(20);

  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<Future<?>> running = new ArrayList<>();

  Writers(String address, int clients, SplittableRandom random, String cycle, Ledger ledger) {
    for (int client = 0; client < clients; client++) {
      var name = cycle + "/" + client;
      var own = random.split();
      running.add(threads.submit(() -> new Writer(name, own, ledger).writeTo(address)));
    }
  }

  /** Waits until each has lost its server. Rethrows what any of them found wrong. */
  void join() {
    for (var writer : running) {
      try {
        var unused = writer.get(60, TimeUnit.SECONDS);
      } catch (ExecutionException | TimeoutException e) {
        throw new AssertionError("a writer failed", e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }

  private static final class Writer {
    private final String name;
    private final SplittableRandom random;
    private final Ledger ledger;
    private int count;

    Writer(String name, SplittableRandom random, Ledger ledger) {
      this.name = name;
      this.random = random;
      this.ledger = ledger;
    }

    void writeTo(String address) {
      try (var connection = Connection.to(address)) {
        while (true) step(connection);
      } catch (StatusRuntimeException gone) {
        switch (gone.getStatus().getCode()) {
          case UNAVAILABLE,
              CANCELLED,
              INTERNAL,
              UNKNOWN -> {} // what it asked for last stays in doubt
          default -> throw new AssertionError("refused instead of cut off", gone);
        }
      }
    }

    private void step(Connection connection) {
      var kv = connection.kv(CALL_LIMIT);
      int dice = random.nextInt(10);
      if (dice == 0) readOne(kv);
      else if (dice == 1) putThree(kv);
      else putOne(kv);
    }

    private void putOne(KVGrpc.KVBlockingStub kv) {
      var write = List.of(entry(random.nextInt(KEYS)));
      ledger.asking(write);
      var reply = kv.put(put(write.getFirst()));
      ledger.acknowledged(reply.getHeader().getRevision(), write);
    }

    private void putThree(KVGrpc.KVBlockingStub kv) {
      int start = random.nextInt(KEYS);
      var write = new ArrayList<Entry>();
      for (int i = 0; i < TXN_PUTS; i++) write.add(entry((start + i) % KEYS));
      ledger.asking(write);
      var txn = TxnRequest.newBuilder();
      for (var entry : write) txn.addSuccess(RequestOp.newBuilder().setRequestPut(put(entry)));
      var reply = kv.txn(txn.build());
      ledger.acknowledged(reply.getHeader().getRevision(), write);
    }

    private void readOne(KVGrpc.KVBlockingStub kv) {
      var reply = kv.range(RangeRequest.newBuilder().setKey(key(random.nextInt(KEYS))).build());
      reply.getKvsList().forEach(ledger::seen);
    }

    private Entry entry(int number) {
      var value = name + "/" + count++ + "/" + "x".repeat(random.nextInt(300));
      return new Entry(key(number), ByteString.copyFromUtf8(value));
    }

    private static ByteString key(int number) {
      return ByteString.copyFromUtf8("key/" + number);
    }

    private static PutRequest put(Entry entry) {
      return PutRequest.newBuilder().setKey(entry.key()).setValue(entry.value()).build();
    }
  }
}
