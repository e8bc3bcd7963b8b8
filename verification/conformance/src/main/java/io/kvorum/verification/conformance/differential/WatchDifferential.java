package io.kvorum.verification.conformance.differential;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import io.etcd.jetcd.api.CompactionRequest;
import io.etcd.jetcd.api.DeleteRangeRequest;
import io.etcd.jetcd.api.MaintenanceGrpc;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.RequestOp;
import io.etcd.jetcd.api.StatusRequest;
import io.etcd.jetcd.api.TxnRequest;
import io.etcd.jetcd.api.WatchCancelRequest;
import io.etcd.jetcd.api.WatchCreateRequest;
import io.etcd.jetcd.api.WatchCreateRequest.FilterType;
import io.etcd.jetcd.api.WatchProgressRequest;
import io.etcd.jetcd.api.WatchRequest;
import io.kvorum.verification.conformance.harness.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The same requests on one watch stream of a reference and one of a subject, between writes that
 * both get: the same responses, in order for each watch. Between different watches of a stream no
 * order is promised. After each step everything that is due is waited for, so that nothing depends
 * on how quick a server is; how many events are due is reckoned here, and a wrong reckoning fails
 * too.
 */
public final class WatchDifferential {
  private static final List<String> KEYS = List.of("a", "ab", "b", "ba", "c", "d", "da", "e");

  /** The field of {@code WatchCreateRequest}. */
  private static final int WATCH_ID = 7;

  private static final ByteString ZERO = ByteString.copyFrom(new byte[1]);

  /** A change, as far as who is told of it goes. */
  private record Change(long revision, String key, boolean put) {}

  private final Connection reference;
  private final Connection subject;
  private final SplittableRandom random;
  private final boolean refusesNegativeStarts;
  private final WatchedStream right;
  private final WatchedStream given;
  private final TreeMap<Long, WatchCreateRequest> watches = new TreeMap<>();
  private final TreeSet<Long> compactedIds = new TreeSet<>();
  private final TreeSet<String> live = new TreeSet<>();
  private final List<Change> changes = new ArrayList<>();
  private long revision = 1;
  private long compacted = -1;
  private long nextFreeId;
  private String step = "";

  /** Both servers are new. */
  public WatchDifferential(Connection reference, Connection subject, long seed) {
    this.reference = reference;
    this.subject = subject;
    this.random = new SplittableRandom(seed);
    // A 3.4 takes them for the present.
    this.refusesNegativeStarts =
        !MaintenanceGrpc.newBlockingStub(reference.channel())
            .status(StatusRequest.getDefaultInstance())
            .getVersion()
            .startsWith("3.4.");
    this.right = new WatchedStream(reference);
    this.given = new WatchedStream(subject);
  }

  /**
   * What was compared.
   *
   * @param events received by all watches together, on each side
   */
  public record Result(int steps, long answers, long events) {}

  /** Throws an {@link AssertionError} at the first step after which the streams differ. */
  public Result run(int steps) {
    for (int i = 1; i <= steps; i++) {
      switch (random.nextInt(10)) {
        case 0, 1 -> create();
        case 2 -> cancel();
        case 3 -> progress();
        case 4 -> compact();
        default -> write();
      }
      try {
        right.compareWith(given);
      } catch (AssertionError difference) {
        throw new AssertionError("step " + i + ", " + step + ": " + difference.getMessage());
      }
    }
    var result = new Result(steps, right.answers(), right.events());
    right.close();
    given.close();
    return result;
  }

  private void send(WatchRequest request) {
    step = request.toString();
    right.send(request);
    given.send(request);
  }

  private void due(int answers, long events) {
    right.await(answers, events);
    given.await(answers, events);
  }

  private void create() {
    var create =
        WatchCreateRequest.newBuilder()
            .setKey(random.nextInt(12) == 0 ? ByteString.EMPTY : bytes(key()))
            .setPrevKv(random.nextBoolean());
    switch (random.nextInt(5)) {
      case 0 -> create.setRangeEnd(ZERO);
      case 1 -> create.setRangeEnd(bytes(key()));
      case 2 -> create.setRangeEnd(create.getKey().concat(bytes("z")));
      default -> create.clearRangeEnd();
    }
    if (random.nextInt(4) == 0)
      create.addFilters(random.nextBoolean() ? FilterType.NOPUT : FilterType.NODELETE);
    if (random.nextInt(4) == 0) chooseId(create, random.nextInt(6));
    if (random.nextBoolean()) create.setStartRevision(start());
    var request = create.build();
    send(WatchRequest.newBuilder().setCreateRequest(request).build());
    created(request);
  }

  /** The Java client's messages are older than ids that clients choose. */
  private static void chooseId(WatchCreateRequest.Builder create, long id) {
    create.setUnknownFields(
        UnknownFieldSet.newBuilder()
            .addField(WATCH_ID, UnknownFieldSet.Field.newBuilder().addVarint(id).build())
            .build());
  }

  private static long chosenId(WatchCreateRequest request) {
    var field = request.getUnknownFields().getField(WATCH_ID).getVarintList();
    return field.isEmpty() ? 0 : field.getFirst();
  }

  /** At the compacted revision itself, what of it is left depends on the progress of compaction. */
  private long start() {
    if (random.nextInt(20) == 0 && refusesNegativeStarts) return -1;
    long start = 1 + random.nextLong(revision + 3);
    return start == compacted ? start + 1 : start;
  }

  private void created(WatchCreateRequest request) {
    boolean refused =
        request.getStartRevision() < 0
            || isEmptyRange(request)
            || chosenId(request) != 0 && watches.containsKey(chosenId(request));
    if (refused) {
      due(1, 0);
      return;
    }
    long id = chosenId(request);
    if (id == 0) {
      while (watches.containsKey(nextFreeId)) nextFreeId++;
      id = nextFreeId++;
    }
    watches.put(id, request);
    long start = request.getStartRevision();
    if (start > 0 && start < compacted) {
      compactedIds.add(id);
      due(2, 0);
    } else {
      due(1, start == 0 ? 0 : changes.stream().filter(c -> matches(request, c)).count());
    }
  }

  private void cancel() {
    long id = random.nextInt(8);
    send(
        WatchRequest.newBuilder()
            .setCancelRequest(WatchCancelRequest.newBuilder().setWatchId(id))
            .build());
    due(watches.remove(id) == null ? 0 : 1, 0);
    compactedIds.remove(id);
  }

  private void progress() {
    var request =
        WatchRequest.newBuilder()
            .setProgressRequest(WatchProgressRequest.getDefaultInstance())
            .build();
    step = "progress";
    boolean answered =
        !watches.isEmpty()
            && compactedIds.isEmpty()
            && watches.values().stream().allMatch(w -> w.getStartRevision() <= revision);
    if (answered) {
      // A server that has not found out yet that a watch is level says nothing, now or later.
      right.awaitProgress(request, revision);
      given.awaitProgress(request, revision);
    } else {
      right.send(request);
      given.send(request);
    }
  }

  private void compact() {
    long at = compacted + 1 + random.nextLong(Math.max(1, revision - compacted));
    if (random.nextInt(3) > 0 || at <= compacted || at >= revision || at < 1) return;
    step = "compact " + at;
    var request = CompactionRequest.newBuilder().setRevision(at).setPhysical(true).build();
    var unused = reference.kv().compact(request);
    unused = subject.kv().compact(request);
    compacted = at;
    changes.removeIf(change -> change.revision() <= at);
  }

  private void write() {
    var txn = TxnRequest.newBuilder();
    var made = new ArrayList<Change>();
    var keys = new TreeSet<String>();
    for (int i = random.nextInt(4) == 0 ? 3 : 1; i > 0; i--) keys.add(key());
    for (var key : keys) {
      boolean put = random.nextInt(4) > 0;
      if (put) {
        var value = bytes("v" + random.nextInt(1000));
        txn.addSuccess(
            RequestOp.newBuilder()
                .setRequestPut(PutRequest.newBuilder().setKey(bytes(key)).setValue(value)));
      } else {
        txn.addSuccess(
            RequestOp.newBuilder()
                .setRequestDeleteRange(DeleteRangeRequest.newBuilder().setKey(bytes(key))));
      }
      boolean existed = put ? !live.add(key) : live.remove(key);
      if (put || existed) made.add(new Change(revision + 1, key, put));
    }
    step = "write " + made;
    var unused = reference.kv().txn(txn.build());
    unused = subject.kv().txn(txn.build());
    if (!made.isEmpty()) revision++;
    changes.addAll(made);
    long events = 0;
    for (var watch : watches.entrySet())
      if (!compactedIds.contains(watch.getKey()))
        events += made.stream().filter(change -> matches(watch.getValue(), change)).count();
    due(0, events);
  }

  private static boolean matches(WatchCreateRequest watch, Change change) {
    if (change.revision() < watch.getStartRevision()) return false;
    if (watch.getFiltersList().contains(change.put() ? FilterType.NOPUT : FilterType.NODELETE))
      return false;
    var order = ByteString.unsignedLexicographicalComparator();
    var key = bytes(change.key());
    var start = watch.getKey().isEmpty() ? ZERO : watch.getKey();
    var end = watch.getRangeEnd();
    if (end.isEmpty()) return key.equals(start);
    return order.compare(start, key) <= 0 && (end.equals(ZERO) || order.compare(key, end) < 0);
  }

  private static boolean isEmptyRange(WatchCreateRequest watch) {
    var end = watch.getRangeEnd();
    if (end.isEmpty() || end.equals(ZERO)) return false;
    var start = watch.getKey().isEmpty() ? ZERO : watch.getKey();
    return ByteString.unsignedLexicographicalComparator().compare(start, end) >= 0;
  }

  private String key() {
    return KEYS.get(random.nextInt(KEYS.size()));
  }

  private static ByteString bytes(String text) {
    return ByteString.copyFromUtf8(text);
  }
}
