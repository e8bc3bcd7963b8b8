package io.kvorum.persistence.mvcc;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RangeRequest.SortOrder;
import io.kvorum.protocol.etcdserverpb.RangeRequest.SortTarget;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/**
 * KV.Range on any {@link Keys} (etcd: server/etcdserver/txn/range.go). The request has passed the
 * stateless checks.
 */
final class RangeEvaluator {

  private RangeEvaluator() {}

  /**
   * Whether a {@link KeysWalk} can answer it: records come in the order of their keys, and no part
   * of the answer depends on a later one.
   */
  static boolean isInKeyOrder(RangeRequest request) {
    return request.getSortTarget() == SortTarget.KEY && request.getSortOrder() != SortOrder.DESCEND;
  }

  static Outcome<RangeWalk> walk(Keys keys, RangeRequest request) {
    EtcdError refusal = refusal(keys, request);
    if (refusal != null) {
      return Outcome.refused(refusal);
    }
    long current = keys.currentRevision();
    long revision = request.getRevision() <= 0 ? current : request.getRevision();
    return Outcome.ok(
        new KeysWalk(
            keys,
            request,
            new RangePosition(current, revision, request.getKey(), 0, 0, 0, false, false)));
  }

  private static @Nullable EtcdError refusal(Keys keys, RangeRequest request) {
    long revision = request.getRevision();
    if (revision > keys.currentRevision()) {
      return EtcdError.FUTURE_REV;
    }
    return revision > 0 && revision < keys.compactedRevision() ? EtcdError.COMPACTED : null;
  }

  static Outcome<RangeResponse.Builder> range(
      Keys keys, RangeRequest request, AnswerAllowance allowance) {
    EtcdError refusal = refusal(keys, request);
    if (refusal != null) {
      return Outcome.refused(refusal);
    }
    RangeResponse.Builder response =
        RangeResponse.newBuilder()
            .setHeader(ResponseHeader.newBuilder().setRevision(keys.currentRevision()));
    Interval interval = Interval.of(request.getKey(), request.getRangeEnd());
    long at = request.getRevision() <= 0 ? Keys.NEWEST : request.getRevision();
    if (interval.isSingleKey()) {
      return single(keys.get(interval.from(), at), request, response, allowance);
    } else if (request.getCountOnly()) {
      response.setCount(count(keys, interval, at));
    } else if (!interval.isEmpty()) {
      return several(keys, interval, at, request, response, allowance);
    }
    return Outcome.ok(response);
  }

  private static Outcome<RangeResponse.Builder> single(
      @Nullable KeyValue record,
      RangeRequest request,
      RangeResponse.Builder response,
      AnswerAllowance allowance) {
    if (record == null) {
      return Outcome.ok(response);
    }
    response.setCount(1);
    if (!request.getCountOnly() && passes(record, request)) {
      KeyValue trimmed = trimmed(record, request);
      if (!allowance.take(trimmed)) {
        return Outcome.refused(EtcdError.ANSWER_TOO_LARGE);
      }
      response.addKvs(trimmed);
    }
    return Outcome.ok(response);
  }

  private static long count(Keys keys, Interval interval, long at) {
    if (interval.isEverything() && at == Keys.NEWEST) {
      return keys.liveKeys();
    }
    if (interval.isEmpty()) {
      return 0;
    }
    long count = 0;
    try (Scan scan = keys.scan(interval, at)) {
      while (scan.advance()) {
        count++;
      }
    }
    return count;
  }

  private static Outcome<RangeResponse.Builder> several(
      Keys keys,
      Interval interval,
      long at,
      RangeRequest request,
      RangeResponse.Builder response,
      AnswerAllowance allowance) {
    boolean keepLeases = request.getSortTarget() == SortTarget.VALUE;
    Selection selection = new Selection(order(request), request.getLimit(), candidates(request));
    long count = 0;
    try (Scan scan = keys.scan(interval, at)) {
      while (scan.advance()) {
        count++;
        if (selection.wantsMore()) {
          KeyValue record = scan.record();
          if (passes(record, request)) {
            KeyValue kept =
                request.getKeysOnly() && !keepLeases ? trimmed(record, request) : record;
            if (!selection.offer(kept, allowance)) {
              return Outcome.refused(EtcdError.ANSWER_TOO_LARGE);
            }
          }
        } else if (at == Keys.NEWEST && interval.isEverything()) {
          count = keys.liveKeys();
          break;
        }
      }
    }
    selection.forEachChosen(record -> response.addKvs(trimmed(record, request)));
    return Outcome.ok(response.setMore(selection.hasMore()).setCount(count));
  }

  /**
   * How many of the first keys take part. etcd reads one more than the limit to learn whether there
   * are more, unless it has to filter or sort everything first. An order of NONE never makes it
   * read everything, so with a target other than KEY it sorts only what it read.
   */
  private static long candidates(RangeRequest request) {
    boolean keyOrder =
        request.getSortOrder() == SortOrder.NONE
            || (request.getSortTarget() == SortTarget.KEY
                && request.getSortOrder() == SortOrder.ASCEND);
    long limit = request.getLimit();
    return keyOrder && !hasFilters(request) && limit > 0 && limit < Long.MAX_VALUE
        ? limit + 1
        : Long.MAX_VALUE;
  }

  static boolean hasFilters(RangeRequest request) {
    return request.getMinModRevision() != 0
        || request.getMaxModRevision() != 0
        || request.getMinCreateRevision() != 0
        || request.getMaxCreateRevision() != 0;
  }

  static boolean passes(KeyValue record, RangeRequest request) {
    return within(record.getModRevision(), request.getMinModRevision(), request.getMaxModRevision())
        && within(
            record.getCreateRevision(),
            request.getMinCreateRevision(),
            request.getMaxCreateRevision());
  }

  /** Bounds are inclusive, and 0 is none. */
  private static boolean within(long revision, long min, long max) {
    return (min == 0 || revision >= min) && (max == 0 || revision <= max);
  }

  /**
   * etcd answers keys_only from its index, which knows no leases; only to sort by value does it
   * read the record.
   */
  static KeyValue trimmed(KeyValue record, RangeRequest request) {
    if (!request.getKeysOnly()) {
      return record;
    }
    KeyValue.Builder trimmed = record.toBuilder().clearValue();
    if (request.getSortTarget() != SortTarget.VALUE) {
      trimmed.clearLease();
    }
    return trimmed.build();
  }

  /**
   * Null for key order, in which records arrive. An order of NONE with another target sorts
   * ascending.
   */
  private static @Nullable Comparator<KeyValue> order(RangeRequest request) {
    @Nullable Comparator<KeyValue> ascending =
        switch (request.getSortTarget()) {
          case KEY ->
              request.getSortOrder() == SortOrder.DESCEND ? ByteOrder.of(KeyValue::getKey) : null;
          case VERSION -> Comparator.comparingLong(KeyValue::getVersion);
          case CREATE -> Comparator.comparingLong(KeyValue::getCreateRevision);
          case MOD -> Comparator.comparingLong(KeyValue::getModRevision);
          case VALUE -> ByteOrder.of(KeyValue::getValue);
          case UNRECOGNIZED ->
              throw new IllegalArgumentException("sort target " + request.getSortTargetValue());
        };
    return ascending != null && request.getSortOrder() == SortOrder.DESCEND
        ? ascending.reversed()
        : ascending;
  }
}
