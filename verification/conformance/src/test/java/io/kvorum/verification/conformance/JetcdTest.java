package io.kvorum.verification.conformance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.KV;
import io.etcd.jetcd.KeyValue;
import io.etcd.jetcd.Watch;
import io.etcd.jetcd.common.exception.CompactedException;
import io.etcd.jetcd.common.exception.ErrorCode;
import io.etcd.jetcd.common.exception.EtcdException;
import io.etcd.jetcd.common.exception.EtcdExceptionFactory;
import io.etcd.jetcd.op.Cmp;
import io.etcd.jetcd.op.CmpTarget;
import io.etcd.jetcd.op.Op;
import io.etcd.jetcd.options.CompactOption;
import io.etcd.jetcd.options.DeleteOption;
import io.etcd.jetcd.options.GetOption;
import io.etcd.jetcd.options.GetOption.SortOrder;
import io.etcd.jetcd.options.GetOption.SortTarget;
import io.etcd.jetcd.options.PutOption;
import io.etcd.jetcd.options.WatchOption;
import io.etcd.jetcd.watch.WatchEvent;
import io.etcd.jetcd.watch.WatchEvent.EventType;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.ServerProcess;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The official Java client. */
class JetcdTest {
  private static final Duration LIMIT = Duration.ofSeconds(10);

  @SuppressWarnings("NullAway.Init")
  private static ServerProcess server;

  @SuppressWarnings("NullAway.Init")
  private static Client client;

  @BeforeAll
  static void start() {
    server = ServerProcess.start(Binaries.kvorum());
    client = Client.builder().endpoints(server.clientUrl()).build();
  }

  @AfterAll
  static void stop() {
    client.close();
    server.close();
  }

  @Test
  void putsGetsAndDeletes() {
    var first = await(kv().put(bytes("kv/a"), bytes("1")));
    assertFalse(first.hasPrevKv());
    var option = PutOption.builder().withPrevKV().build();
    var second = await(kv().put(bytes("kv/a"), bytes("2"), option));
    assertEquals(bytes("1"), second.getPrevKv().getValue());
    assertEquals(first.getHeader().getRevision() + 1, second.getHeader().getRevision());

    var got = await(kv().get(bytes("kv/a"))).getKvs().getFirst();
    assertEquals(bytes("2"), got.getValue());
    assertEquals(2, got.getVersion());
    assertEquals(first.getHeader().getRevision(), got.getCreateRevision());
    assertEquals(second.getHeader().getRevision(), got.getModRevision());

    var before =
        await(
            kv().get(
                    bytes("kv/a"),
                    GetOption.builder().withRevision(first.getHeader().getRevision()).build()));
    assertEquals(bytes("1"), before.getKvs().getFirst().getValue());
    assertEquals(second.getHeader().getRevision(), before.getHeader().getRevision());

    var deleted =
        await(kv().delete(bytes("kv/a"), DeleteOption.builder().withPrevKV(true).build()));
    assertEquals(1, deleted.getDeleted());
    assertEquals(bytes("2"), deleted.getPrevKvs().getFirst().getValue());
    assertEquals(0, await(kv().get(bytes("kv/a"))).getCount());
  }

  @Test
  void rangesWithOptions() {
    for (int i = 0; i < 10; i++) await(kv().put(bytes("range/" + i), bytes("v" + (9 - i))));
    var limited =
        await(
            kv().get(
                    bytes("range/"),
                    GetOption.builder()
                        .isPrefix(true)
                        .withLimit(3)
                        .withSortField(SortTarget.VALUE)
                        .withSortOrder(SortOrder.ASCEND)
                        .build()));
    assertEquals(10, limited.getCount());
    assertTrue(limited.isMore());
    assertEquals(
        List.of("range/9", "range/8", "range/7"),
        limited.getKvs().stream().map(JetcdTest::key).toList());
    var keysOnly =
        await(
            kv().get(
                    bytes("range/3"),
                    GetOption.builder().withRange(bytes("range/6")).withKeysOnly(true).build()));
    assertEquals(
        List.of("range/3", "range/4", "range/5"),
        keysOnly.getKvs().stream().map(JetcdTest::key).toList());
    assertTrue(keysOnly.getKvs().stream().allMatch(kv -> kv.getValue().isEmpty()));
    var counted =
        await(
            kv().get(
                    bytes("range/"),
                    GetOption.builder().isPrefix(true).withCountOnly(true).build()));
    assertEquals(10, counted.getCount());
    assertTrue(counted.getKvs().isEmpty());
  }

  @Test
  void transacts() {
    var key = bytes("txn/a");
    var absent = new Cmp(key, Cmp.Op.EQUAL, CmpTarget.createRevision(0));
    var put = Op.put(key, bytes("made"), PutOption.DEFAULT);
    var get = Op.get(key, GetOption.DEFAULT);
    var made = await(kv().txn().If(absent).Then(put, get).Else(get).commit());
    assertTrue(made.isSucceeded());
    assertEquals(1, made.getPutResponses().size());
    assertEquals(bytes("made"), made.getGetResponses().getFirst().getKvs().getFirst().getValue());
    var again = await(kv().txn().If(absent).Then(put).Else(get).commit());
    assertFalse(again.isSucceeded());
    assertEquals(bytes("made"), again.getGetResponses().getFirst().getKvs().getFirst().getValue());
    assertEquals(made.getHeader().getRevision(), again.getHeader().getRevision());
  }

  @Test
  void watches() {
    var events = new ConcurrentLinkedQueue<WatchEvent>();
    var created = new CompletableFuture<Void>();
    var notified =
        WatchOption.builder().isPrefix(true).withPrevKV(true).withCreateNotify(true).build();
    try (var ignored =
        client
            .getWatchClient()
            .watch(
                bytes("watch/"),
                notified,
                response -> {
                  if (response.isCreatedNotify()) created.complete(null);
                  events.addAll(response.getEvents());
                })) {
      await(created);
      await(kv().put(bytes("watch/a"), bytes("1")));
      await(kv().put(bytes("watch/a"), bytes("2")));
      await(kv().delete(bytes("watch/a")));
      Await.until("three events", LIMIT, () -> events.size() == 3);
    }
    var seen = List.copyOf(events);
    assertEquals(
        List.of(EventType.PUT, EventType.PUT, EventType.DELETE),
        seen.stream().map(WatchEvent::getEventType).toList());
    assertEquals(bytes("1"), seen.get(1).getPrevKV().getValue());
    assertEquals(bytes("2"), seen.get(2).getPrevKV().getValue());
    assertEquals(
        seen.get(1).getKeyValue().getModRevision() + 1, seen.get(2).getKeyValue().getModRevision());
  }

  @Test
  void watchesHistory() {
    long from = await(kv().put(bytes("history/a"), bytes("1"))).getHeader().getRevision();
    await(kv().put(bytes("history/a"), bytes("2")));
    var values = new ConcurrentLinkedQueue<String>();
    try (var ignored =
        client
            .getWatchClient()
            .watch(
                bytes("history/a"),
                WatchOption.builder().withRevision(from).build(),
                response ->
                    response
                        .getEvents()
                        .forEach(e -> values.add(e.getKeyValue().getValue().toString())))) {
      Await.until("both old events", LIMIT, () -> values.size() == 2);
      await(kv().put(bytes("history/a"), bytes("3")));
      Await.until("the new event", LIMIT, () -> values.size() == 3);
    }
    assertEquals(List.of("1", "2", "3"), List.copyOf(values));
  }

  @Test
  void compacts() {
    await(kv().put(bytes("compact/a"), bytes("1")));
    long second = await(kv().put(bytes("compact/a"), bytes("2"))).getHeader().getRevision();
    await(kv().compact(second, CompactOption.builder().withCompactPhysical(true).build()));
    var old = GetOption.builder().withRevision(second - 1).build();
    var refused = refusal(kv().get(bytes("compact/a"), old));
    assertEquals(ErrorCode.OUT_OF_RANGE, refused.getErrorCode());
    assertEquals("etcdserver: mvcc: required revision has been compacted", refused.getMessage());
    assertEquals(
        1,
        await(kv().get(bytes("compact/a"), GetOption.builder().withRevision(second).build()))
            .getCount());

    var failure = new CompletableFuture<Throwable>();
    var listener = Watch.listener(response -> {}, failure::complete);
    try (var ignored =
        client
            .getWatchClient()
            .watch(
                bytes("compact/a"),
                WatchOption.builder().withRevision(second - 1).build(),
                listener)) {
      var compacted = assertInstanceOf(CompactedException.class, await(failure));
      assertEquals(second, compacted.getCompactedRevision());
    }
  }

  @Test
  void mapsRefusals() {
    var empty = refusal(kv().put(ByteSequence.EMPTY, bytes("x")));
    assertEquals(ErrorCode.INVALID_ARGUMENT, empty.getErrorCode());
    assertEquals("etcdserver: key is not provided", empty.getMessage());
    var future =
        refusal(kv().get(bytes("a"), GetOption.builder().withRevision(Long.MAX_VALUE).build()));
    assertEquals(ErrorCode.OUT_OF_RANGE, future.getErrorCode());
    assertEquals("etcdserver: mvcc: required revision is a future revision", future.getMessage());
    var lease =
        refusal(kv().put(bytes("a"), bytes("x"), PutOption.builder().withLeaseId(4711).build()));
    assertEquals(ErrorCode.NOT_FOUND, lease.getErrorCode());
    assertEquals("etcdserver: requested lease not found", lease.getMessage());
    var large = refusal(kv().put(bytes("a"), ByteSequence.from(new byte[1_600_000])));
    assertEquals(ErrorCode.INVALID_ARGUMENT, large.getErrorCode());
    assertEquals("etcdserver: request is too large", large.getMessage());
  }

  private static EtcdException refusal(CompletableFuture<?> call) {
    var failed =
        assertThrows(ExecutionException.class, () -> call.get(LIMIT.toSeconds(), TimeUnit.SECONDS));
    // what jetcd itself makes of a status; a unary call hands out the bare one
    return EtcdExceptionFactory.toEtcdException(failed.getCause());
  }

  private static <T> T await(CompletableFuture<T> future) {
    try {
      return future.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static KV kv() {
    return client.getKVClient();
  }

  private static String key(KeyValue kv) {
    return kv.getKey().toString();
  }

  private static ByteSequence bytes(String text) {
    return ByteSequence.from(text.getBytes(UTF_8));
  }
}
