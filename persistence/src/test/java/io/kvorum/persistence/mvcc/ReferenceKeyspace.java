package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.CompactionRequest;
import io.kvorum.protocol.etcdserverpb.CompactionResponse;
import io.kvorum.protocol.etcdserverpb.Compare;
import io.kvorum.protocol.etcdserverpb.DeleteRangeRequest;
import io.kvorum.protocol.etcdserverpb.DeleteRangeResponse;
import io.kvorum.protocol.etcdserverpb.LeaseGrantRequest;
import io.kvorum.protocol.etcdserverpb.LeaseGrantResponse;
import io.kvorum.protocol.etcdserverpb.LeaseRevokeRequest;
import io.kvorum.protocol.etcdserverpb.LeaseRevokeResponse;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.PutResponse;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import io.kvorum.protocol.etcdserverpb.RequestOp;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.ResponseOp;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import io.kvorum.protocol.etcdserverpb.TxnResponse;
import io.kvorum.protocol.mvccpb.Event;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The keyspace in the plainest possible way: a list of all changes ever made, from which every
 * answer is worked out anew. Shares no code with the real one.
 */
final class ReferenceKeyspace {

  /** One change; {@code record} is null for a tombstone. */
  private record Change(long main, long sub, ByteString key, KeyValue record) {}

  /** The index that granted each lease. */
  private final Map<Long, Long> leases = new HashMap<>();

  private final List<Change> changes = new ArrayList<>();
  private long revision = 1;
  private long compacted = -1;

  /** Changes of the request at hand, at the end of {@code changes}. */
  private int pending;

  ReferenceKeyspace(Map<Long, Long> leases) {
    this.leases.putAll(leases);
  }

  /** The index that granted a lease; null if there is none. */
  Long grantedAt(long lease) {
    return leases.get(lease);
  }

  Outcome<LeaseGrantResponse.Builder> grant(LeaseGrantRequest request, long index) {
    if (leases.putIfAbsent(request.getID(), index) != null) {
      return Outcome.refused(EtcdError.LEASE_EXIST);
    }
    return Outcome.ok(
        LeaseGrantResponse.newBuilder()
            .setHeader(header(revision))
            .setID(request.getID())
            .setTTL(request.getTTL()));
  }

  Outcome<LeaseRevokeResponse.Builder> revoke(LeaseRevokeRequest request) {
    if (leases.remove(request.getID()) == null) {
      return Outcome.refused(EtcdError.LEASE_NOT_FOUND);
    }
    for (ByteString key : keysOf(request.getID())) {
      changes.add(new Change(revision + 1, pending++, key, null));
    }
    end();
    return Outcome.ok(LeaseRevokeResponse.newBuilder().setHeader(header(revision)));
  }

  /** The live keys that name a lease. */
  List<ByteString> keysOf(long lease) {
    ByteString everything = ByteString.copyFrom(new byte[1]);
    return live(everything, everything, Long.MAX_VALUE).stream()
        .filter(kv -> kv.getLease() == lease)
        .map(KeyValue::getKey)
        .toList();
  }

  long revision() {
    return revision;
  }

  long compacted() {
    return compacted;
  }

  Outcome<PutResponse.Builder> put(PutRequest request) {
    EtcdError refusal = refusal(request);
    if (refusal != null) {
      return Outcome.refused(refusal);
    }
    PutResponse.Builder response = doPut(request);
    end();
    return Outcome.ok(response);
  }

  Outcome<DeleteRangeResponse.Builder> deleteRange(DeleteRangeRequest request) {
    DeleteRangeResponse.Builder response = doDelete(request);
    end();
    return Outcome.ok(response);
  }

  Outcome<CompactionResponse.Builder> compact(CompactionRequest request) {
    if (request.getRevision() <= compacted) {
      return Outcome.refused(EtcdError.COMPACTED);
    }
    if (request.getRevision() > revision) {
      return Outcome.refused(EtcdError.FUTURE_REV);
    }
    compacted = request.getRevision();
    return Outcome.ok(CompactionResponse.newBuilder().setHeader(header(revision)));
  }

  Outcome<RangeResponse.Builder> range(RangeRequest request) {
    long now = now();
    if (request.getRevision() > now) {
      return Outcome.refused(EtcdError.FUTURE_REV);
    }
    if (request.getRevision() > 0 && request.getRevision() < compacted) {
      return Outcome.refused(EtcdError.COMPACTED);
    }
    List<KeyValue> live =
        live(
            request.getKey(),
            request.getRangeEnd(),
            request.getRevision() <= 0 ? now : request.getRevision());
    RangeResponse.Builder response =
        RangeResponse.newBuilder().setHeader(header(now)).setCount(live.size());
    if (request.getCountOnly()) {
      return Outcome.ok(response);
    }
    List<KeyValue> chosen = new ArrayList<>(live);
    boolean filtered =
        request.getMinModRevision() != 0
            || request.getMaxModRevision() != 0
            || request.getMinCreateRevision() != 0
            || request.getMaxCreateRevision() != 0;
    boolean sorted =
        request.getSortOrder() == RangeRequest.SortOrder.DESCEND
            || (request.getSortOrder() == RangeRequest.SortOrder.ASCEND
                && request.getSortTarget() != RangeRequest.SortTarget.KEY);
    long limit = request.getLimit();
    if (!filtered && !sorted && limit > 0 && chosen.size() > limit) {
      chosen = new ArrayList<>(chosen.subList(0, (int) Math.min(limit + 1, chosen.size())));
    }
    chosen.removeIf(
        kv ->
            (request.getMinModRevision() != 0 && kv.getModRevision() < request.getMinModRevision())
                || (request.getMaxModRevision() != 0
                    && kv.getModRevision() > request.getMaxModRevision())
                || (request.getMinCreateRevision() != 0
                    && kv.getCreateRevision() < request.getMinCreateRevision())
                || (request.getMaxCreateRevision() != 0
                    && kv.getCreateRevision() > request.getMaxCreateRevision()));
    Comparator<KeyValue> order =
        switch (request.getSortTarget()) {
          case KEY ->
              Comparator.comparing(
                  KeyValue::getKey, ByteString.unsignedLexicographicalComparator());
          case VERSION -> Comparator.comparing(KeyValue::getVersion);
          case CREATE -> Comparator.comparing(KeyValue::getCreateRevision);
          case MOD -> Comparator.comparing(KeyValue::getModRevision);
          case VALUE ->
              Comparator.comparing(
                  KeyValue::getValue, ByteString.unsignedLexicographicalComparator());
          case UNRECOGNIZED -> throw new IllegalArgumentException("sort target");
        };
    chosen.sort(
        request.getSortOrder() == RangeRequest.SortOrder.DESCEND ? order.reversed() : order);
    if (limit > 0 && chosen.size() > limit) {
      chosen = chosen.subList(0, (int) limit);
      response.setMore(true);
    }
    for (KeyValue kv : chosen) {
      KeyValue.Builder shown = kv.toBuilder();
      if (request.getKeysOnly()) {
        shown.clearValue();
        if (request.getSortTarget() != RangeRequest.SortTarget.VALUE) {
          shown.clearLease();
        }
      }
      response.addKvs(shown);
    }
    return Outcome.ok(response);
  }

  Outcome<TxnResponse.Builder> txn(TxnRequest request) {
    List<Boolean> path = new ArrayList<>();
    decide(request, path);
    EtcdError refusal = check(request, new ArrayList<>(path));
    if (refusal != null) {
      return Outcome.refused(refusal);
    }
    TxnResponse.Builder response = execute(request, new ArrayList<>(path));
    response.setHeader(header(now()));
    end();
    return Outcome.ok(response);
  }

  /** All events from a revision on. */
  List<RevisionEvents> history(long from) {
    TreeMap<Long, List<Event>> byRevision = new TreeMap<>();
    for (Change change : changes) {
      if (change.main() < from) {
        continue;
      }
      Event.Builder event = Event.newBuilder();
      if (change.record() == null) {
        event
            .setType(Event.EventType.DELETE)
            .setKv(KeyValue.newBuilder().setKey(change.key()).setModRevision(change.main()));
      } else {
        event.setKv(change.record());
      }
      byRevision.computeIfAbsent(change.main(), main -> new ArrayList<>()).add(event.build());
    }
    return byRevision.entrySet().stream()
        .map(e -> new RevisionEvents(e.getKey(), e.getValue()))
        .toList();
  }

  /** The record of a key as a revision left it, or null. */
  KeyValue get(ByteString key, long at) {
    List<KeyValue> found = live(key, ByteString.EMPTY, at);
    return found.isEmpty() ? null : found.getFirst();
  }

  /**
   * What must be left on the disk once the newest compaction is done, as {@code main_sub[t]
   * key=value}.
   */
  List<String> survivors() {
    List<String> left = new ArrayList<>();
    for (Change change : changes) {
      boolean newestAtCompaction =
          changes.stream()
              .noneMatch(
                  other ->
                      other.key().equals(change.key())
                          && other.main() <= compacted
                          && (other.main() > change.main()
                              || (other.main() == change.main() && other.sub() > change.sub())));
      boolean survives =
          change.main() > compacted
              || (change.record() == null ? change.main() == compacted : newestAtCompaction);
      if (survives) {
        KeyValue record = change.record() == null ? KeyValue.getDefaultInstance() : change.record();
        left.add(
            change.main()
                + "_"
                + change.sub()
                + (change.record() == null ? "t" : "")
                + " "
                + change.key().toStringUtf8()
                + "="
                + record.getValue().toStringUtf8());
      }
    }
    return left;
  }

  private long now() {
    return pending == 0 ? revision : revision + 1;
  }

  private void end() {
    if (pending > 0) {
      revision++;
      pending = 0;
    }
  }

  private static ResponseHeader header(long revision) {
    return ResponseHeader.newBuilder().setRevision(revision).build();
  }

  private List<KeyValue> live(ByteString key, ByteString rangeEnd, long at) {
    TreeMap<ByteString, KeyValue> live =
        new TreeMap<>(ByteString.unsignedLexicographicalComparator());
    for (Change change : changes) {
      if (change.main() <= at && within(change.key(), key, rangeEnd)) {
        if (change.record() == null) {
          live.remove(change.key());
        } else {
          live.put(change.key(), change.record());
        }
      }
    }
    return List.copyOf(live.values());
  }

  private static boolean within(ByteString candidate, ByteString key, ByteString rangeEnd) {
    if (rangeEnd.isEmpty()) {
      return candidate.equals(key);
    }
    Comparator<ByteString> order = ByteString.unsignedLexicographicalComparator();
    boolean open = rangeEnd.equals(ByteString.copyFrom(new byte[1]));
    return order.compare(candidate, key) >= 0 && (open || order.compare(candidate, rangeEnd) < 0);
  }

  private EtcdError refusal(PutRequest request) {
    if (request.getLease() != 0 && !leases.containsKey(request.getLease())) {
      return EtcdError.LEASE_NOT_FOUND;
    }
    boolean ignores = request.getIgnoreLease() || request.getIgnoreValue();
    return ignores && get(request.getKey(), revision) == null ? EtcdError.KEY_NOT_FOUND : null;
  }

  private PutResponse.Builder doPut(PutRequest request) {
    KeyValue previous = get(request.getKey(), Long.MAX_VALUE);
    KeyValue record =
        KeyValue.newBuilder()
            .setKey(request.getKey())
            .setCreateRevision(previous == null ? revision + 1 : previous.getCreateRevision())
            .setModRevision(revision + 1)
            .setVersion(previous == null ? 1 : previous.getVersion() + 1)
            .setValue(request.getIgnoreValue() ? previous.getValue() : request.getValue())
            .setLease(request.getIgnoreLease() ? previous.getLease() : request.getLease())
            .build();
    changes.add(new Change(revision + 1, pending++, request.getKey(), record));
    PutResponse.Builder response = PutResponse.newBuilder().setHeader(header(revision + 1));
    if (request.getPrevKv() && previous != null) {
      response.setPrevKv(previous);
    }
    return response;
  }

  private DeleteRangeResponse.Builder doDelete(DeleteRangeRequest request) {
    List<KeyValue> found = live(request.getKey(), request.getRangeEnd(), Long.MAX_VALUE);
    for (KeyValue kv : found) {
      changes.add(new Change(revision + 1, pending++, kv.getKey(), null));
    }
    DeleteRangeResponse.Builder response =
        DeleteRangeResponse.newBuilder().setHeader(header(now())).setDeleted(found.size());
    return request.getPrevKv() ? response.addAllPrevKvs(found) : response;
  }

  private void decide(TxnRequest request, List<Boolean> path) {
    boolean succeeded = request.getCompareList().stream().allMatch(this::holds);
    path.add(succeeded);
    for (RequestOp op : succeeded ? request.getSuccessList() : request.getFailureList()) {
      if (op.hasRequestTxn()) {
        decide(op.getRequestTxn(), path);
      }
    }
  }

  private boolean holds(Compare compare) {
    List<KeyValue> found = live(compare.getKey(), compare.getRangeEnd(), revision);
    if (found.isEmpty()) {
      return compare.getTarget() != Compare.CompareTarget.VALUE
          && holds(compare, KeyValue.getDefaultInstance());
    }
    return found.stream().allMatch(kv -> holds(compare, kv));
  }

  private static boolean holds(Compare compare, KeyValue kv) {
    int order =
        switch (compare.getTarget()) {
          case VERSION -> Long.compare(kv.getVersion(), compare.getVersion());
          case CREATE -> Long.compare(kv.getCreateRevision(), compare.getCreateRevision());
          case MOD -> Long.compare(kv.getModRevision(), compare.getModRevision());
          case VALUE ->
              ByteString.unsignedLexicographicalComparator()
                  .compare(kv.getValue(), compare.getValue());
          case LEASE -> Long.compare(kv.getLease(), compare.getLease());
          case UNRECOGNIZED -> 0;
        };
    return switch (compare.getResult()) {
      case EQUAL -> order == 0;
      case GREATER -> order > 0;
      case LESS -> order < 0;
      case NOT_EQUAL -> order != 0;
      case UNRECOGNIZED -> true;
    };
  }

  private EtcdError check(TxnRequest request, List<Boolean> path) {
    List<RequestOp> ops = path.removeFirst() ? request.getSuccessList() : request.getFailureList();
    for (RequestOp op : ops) {
      EtcdError refusal = null;
      if (op.hasRequestRange()) {
        long at = op.getRequestRange().getRevision();
        refusal =
            at == 0
                ? null
                : at > revision
                    ? EtcdError.FUTURE_REV
                    : at < compacted ? EtcdError.COMPACTED : null;
      } else if (op.hasRequestPut()) {
        refusal = refusal(op.getRequestPut());
      } else if (op.hasRequestTxn()) {
        refusal = check(op.getRequestTxn(), path);
      }
      if (refusal != null) {
        return refusal;
      }
    }
    return null;
  }

  private TxnResponse.Builder execute(TxnRequest request, List<Boolean> path) {
    boolean succeeded = path.removeFirst();
    TxnResponse.Builder response =
        TxnResponse.newBuilder()
            .setHeader(ResponseHeader.getDefaultInstance())
            .setSucceeded(succeeded);
    for (RequestOp op : succeeded ? request.getSuccessList() : request.getFailureList()) {
      ResponseOp.Builder result = ResponseOp.newBuilder();
      if (op.hasRequestRange()) {
        result.setResponseRange(Requests.ok(range(op.getRequestRange())));
      } else if (op.hasRequestPut()) {
        result.setResponsePut(doPut(op.getRequestPut()));
      } else if (op.hasRequestDeleteRange()) {
        result.setResponseDeleteRange(doDelete(op.getRequestDeleteRange()));
      } else if (op.hasRequestTxn()) {
        result.setResponseTxn(execute(op.getRequestTxn(), path));
      }
      response.addResponses(result);
    }
    return response;
  }
}
