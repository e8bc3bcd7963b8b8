package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.CompactionRequest;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.RangeRequest;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.stub.ClientCalls;
import io.kvorum.verification.conformance.differential.StreamDifferential;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.Directories;
import io.kvorum.verification.conformance.harness.RangeStreams;
import io.kvorum.verification.conformance.harness.ServerProcess;
import io.kvorum.verification.conformance.harness.ServerProcess.Settings;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Answers that are larger than the server's heap could bear if it held them, from a server with its
 * default heap.
 */
class LargeRangeTest {
  private static final long SEED = Long.getLong("kvorum.seed", 1);
  private static final int ROUNDS = Integer.getInteger("kvorum.rounds", 10);

  private static final int VALUE_BYTES = 100_000;
  private static final int VALUES = 1_050;
  private static final long ALL_BYTES = (long) VALUES * VALUE_BYTES;
  private static final int CLIENTS = 50;
  private static final int READERS = 5;
  private static final Duration LIMIT = Duration.ofSeconds(60);

  /** The same streams of Debian's etcd, asked for in one, or of a 3.7 named as etcd.binary. */
  @Test
  void streamsSayWhatEtcdSays() {
    var settings = Settings.plain().dataUnder(Directories.fast());
    try (var right = ServerProcess.start(Binaries.etcd(), settings);
        var given = ServerProcess.start(Binaries.kvorum(), settings);
        var reference = Connection.to(right.address());
        var subject = Connection.to(given.address())) {
      assertEquals(ROUNDS * 60L, new StreamDifferential(reference, subject, SEED).run(ROUNDS));
    } catch (AssertionError difference) {
      throw new AssertionError("seed " + SEED + ", replay with -Dkvorum.seed=" + SEED, difference);
    }
  }

  @Test
  void fiftyClientsAskForAHundredMebibytesEach() {
    try (var server = ServerProcess.start(Binaries.kvorum());
        var filler = Connection.to(server.address())) {
      fill(filler);
      List<Reader> readers = new ArrayList<>();
      try {
        for (int i = 0; i < CLIENTS; i++)
          readers.add(new Reader(server, i % 2 == 0 ? ONE : STREAMED));
        // Small reads pass by, and writes too.
        for (int i = 0; i < 20; i++) {
          assertEquals(1, filler.kv(Duration.ofSeconds(10)).range(get(key(i))).getCount());
          put(filler, "beside/" + i, ByteString.EMPTY);
        }
        for (Reader reader : readers.subList(0, READERS)) reader.readAll();
        Await.until(
            "the first are answered",
            LIMIT,
            () -> readers.subList(0, READERS).stream().allMatch(Reader::hasEnded));
        for (Reader reader : readers.subList(0, READERS)) {
          assertEquals(Status.Code.OK, reader.status().getCode(), reader::toString);
          assertTrue(reader.bytes.get() > ALL_BYTES, reader::toString);
        }
        assertTrue(server.isAlive(), server::outputEnd);
      } finally {
        readers.forEach(Reader::close);
      }
      assertEquals(VALUES, filler.kv(LIMIT).range(all().setCountOnly(true).build()).getCount());
    }
  }

  /** Sorted, it would have to be in memory as a whole; and a txn of it reaches every member. */
  @Test
  void whatMemoryCannotHoldIsRefusedAndTheServerGoesOn() {
    try (var server = ServerProcess.start(Binaries.kvorum());
        var client = Connection.to(server.address())) {
      fill(client);
      var sorted = all().setSortOrder(RangeRequest.SortOrder.DESCEND);
      var refused =
          org.junit.jupiter.api.Assertions.assertThrows(
              io.grpc.StatusRuntimeException.class,
              () -> {
                var unused = client.kv(LIMIT).range(sorted.build());
              });
      assertEquals(Status.Code.RESOURCE_EXHAUSTED, refused.getStatus().getCode());
      assertEquals(10, client.kv(LIMIT).range(sorted.setLimit(10).build()).getKvsCount());
      var txn =
          io.etcd.jetcd.api.TxnRequest.newBuilder()
              .addSuccess(io.etcd.jetcd.api.RequestOp.newBuilder().setRequestRange(all()))
              .addSuccess(
                  io.etcd.jetcd.api.RequestOp.newBuilder()
                      .setRequestPut(
                          PutRequest.newBuilder().setKey(ByteString.copyFromUtf8("made"))))
              .build();
      for (int i = 0; i < 5; i++) {
        var late =
            org.junit.jupiter.api.Assertions.assertThrows(
                io.grpc.StatusRuntimeException.class,
                () -> {
                  var unused = client.kv(LIMIT).txn(txn);
                });
        assertEquals(Status.Code.RESOURCE_EXHAUSTED, late.getStatus().getCode());
      }
      // Only the answers were refused.
      assertEquals(5, client.kv(LIMIT).range(get("made")).getKvs(0).getVersion());
      server.kill();
      server.startAgain();
      assertEquals(5, client.kv(LIMIT).range(get("made")).getKvs(0).getVersion());
    }
  }

  @Test
  void aCompactionEndsAStreamOfWhatItRemoves() {
    try (var server = ServerProcess.start(Binaries.kvorum());
        var client = Connection.to(server.address());
        var slow = Connection.to(server.address())) {
      fill(client);
      var messages = RangeStreams.open(slow, all().build(), LIMIT);
      assertTrue(messages.next().getKvsCount() <= 10);
      long revision = put(client, "later", ByteString.EMPTY);
      var unused =
          client
              .kv(LIMIT)
              .compact(
                  CompactionRequest.newBuilder().setRevision(revision).setPhysical(true).build());
      var ended =
          org.junit.jupiter.api.Assertions.assertThrows(
              io.grpc.StatusRuntimeException.class,
              () -> {
                while (messages.hasNext()) {
                  var message = messages.next();
                  assertTrue(!message.hasHeader(), "it ended as if nothing had happened");
                }
              });
      assertEquals(Status.Code.OUT_OF_RANGE, ended.getStatus().getCode());
      assertEquals(
          "etcdserver: mvcc: required revision has been compacted",
          ended.getStatus().getDescription());
    }
  }

  private static void fill(Connection to) {
    var random = new Random(1);
    var value = new byte[VALUE_BYTES];
    List<com.google.common.util.concurrent.ListenableFuture<?>> puts = new ArrayList<>();
    for (int i = 0; i < VALUES; i++) {
      random.nextBytes(value);
      var put =
          PutRequest.newBuilder()
              .setKey(ByteString.copyFromUtf8(key(i)))
              .setValue(ByteString.copyFrom(value))
              .build();
      puts.add(
          ClientCalls.futureUnaryCall(
              to.channel().newCall(io.etcd.jetcd.api.KVGrpc.getPutMethod(), CallOptions.DEFAULT),
              put));
      if (puts.size() == 20) {
        puts.forEach(com.google.common.util.concurrent.Futures::getUnchecked);
        puts.clear();
      }
    }
    puts.forEach(com.google.common.util.concurrent.Futures::getUnchecked);
  }

  private static String key(int number) {
    return "large/%06d".formatted(number);
  }

  private static RangeRequest get(String key) {
    return RangeRequest.newBuilder().setKey(ByteString.copyFromUtf8(key)).build();
  }

  private static RangeRequest.Builder all() {
    return RangeRequest.newBuilder()
        .setKey(ByteString.copyFromUtf8("large/"))
        .setRangeEnd(ByteString.copyFromUtf8("large0"));
  }

  private static long put(Connection connection, String key, ByteString value) {
    var put = PutRequest.newBuilder().setKey(ByteString.copyFromUtf8(key)).setValue(value).build();
    return connection.kv(Duration.ofSeconds(20)).put(put).getHeader().getRevision();
  }

  private static final MethodDescriptor<RangeRequest, Long> ONE =
      method("etcdserverpb.KV/Range", MethodDescriptor.MethodType.UNARY);

  private static final MethodDescriptor<RangeRequest, Long> STREAMED =
      method("etcdserverpb.KV/RangeStream", MethodDescriptor.MethodType.SERVER_STREAMING);

  private static MethodDescriptor<RangeRequest, Long> method(
      String name, MethodDescriptor.MethodType type) {
    return MethodDescriptor.<RangeRequest, Long>newBuilder()
        .setType(type)
        .setFullMethodName(name)
        .setRequestMarshaller(
            io.grpc.protobuf.ProtoUtils.marshaller(RangeRequest.getDefaultInstance()))
        .setResponseMarshaller(new Counting())
        .build();
  }

  /** A client that has asked for everything, and reads when it is told to. */
  private static final class Reader extends ClientCall.Listener<Long> implements AutoCloseable {
    private final Connection connection;
    private final ClientCall<RangeRequest, Long> call;
    private final AtomicLong bytes = new AtomicLong();
    private volatile @Nullable Status status;

    Reader(ServerProcess server, MethodDescriptor<RangeRequest, Long> method) {
      connection = Connection.to(server.address());
      call = connection.channel().newCall(method, CallOptions.DEFAULT);
      call.start(this, new Metadata());
      call.sendMessage(all().build());
      call.halfClose();
    }

    void readAll() {
      call.request(Integer.MAX_VALUE);
    }

    @Override
    public void onMessage(Long length) {
      bytes.addAndGet(length);
    }

    @Override
    public void onClose(Status end, Metadata trailers) {
      status = end;
    }

    boolean hasEnded() {
      return status != null;
    }

    Status status() {
      Status end = status;
      return end == null ? Status.UNKNOWN : end;
    }

    @Override
    public String toString() {
      return bytes + " bytes, " + status;
    }

    @Override
    public void close() {
      call.cancel("seen enough", null);
      connection.close();
    }
  }

  /** Only the length of a message, so that fifty of them do not fill the memory of this process. */
  private static final class Counting implements MethodDescriptor.Marshaller<Long> {
    @Override
    public InputStream stream(Long value) {
      throw new UnsupportedOperationException("only servers send these");
    }

    @Override
    public Long parse(InputStream stream) {
      try {
        long bytes = 0;
        var buffer = new byte[1 << 16];
        for (int n = stream.read(buffer); n >= 0; n = stream.read(buffer)) bytes += n;
        return bytes;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
