package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.etcdserverpb.Compare;
import io.kvorum.protocol.etcdserverpb.Compare.CompareTarget;
import io.kvorum.protocol.mvccpb.KeyValue;

/**
 * One comparison of a transaction against the newest state (etcd: applyCompare and compareKV in
 * server/etcdserver/txn/txn.go). What is given in the wrong field, or not at all, counts as zero or
 * empty; an unknown target compares as equal, and an unknown result holds. protobuf's getters of a
 * oneof give the default value for a field that is not the one set, which is that rule.
 */
final class Comparison {

  private Comparison() {}

  static boolean holds(Keys keys, Compare compare) {
    Interval interval = Interval.of(compare.getKey(), compare.getRangeEnd());
    if (interval.isSingleKey()) {
      KeyValue record = keys.get(interval.from(), Keys.NEWEST);
      return record == null ? holdsForMissing(compare) : holds(compare, record);
    }
    if (interval.isEmpty()) {
      return holdsForMissing(compare);
    }
    try (Scan scan = keys.scan(interval, Keys.NEWEST)) {
      if (!scan.advance()) {
        return holdsForMissing(compare);
      }
      do {
        if (!holds(compare, scan.record())) {
          return false;
        }
      } while (scan.advance());
      return true;
    }
  }

  /**
   * A missing key is a record of zeros, but has no value that could be compared, not even as
   * unequal.
   */
  private static boolean holdsForMissing(Compare compare) {
    return compare.getTarget() != CompareTarget.VALUE
        && holds(compare, KeyValue.getDefaultInstance());
  }

  private static boolean holds(Compare compare, KeyValue record) {
    int difference =
        switch (compare.getTarget()) {
          case VERSION -> Long.compare(record.getVersion(), compare.getVersion());
          case CREATE -> Long.compare(record.getCreateRevision(), compare.getCreateRevision());
          case MOD -> Long.compare(record.getModRevision(), compare.getModRevision());
          case VALUE ->
              ByteString.unsignedLexicographicalComparator()
                  .compare(record.getValue(), compare.getValue());
          case LEASE -> Long.compare(record.getLease(), compare.getLease());
          case UNRECOGNIZED -> 0;
        };
    return switch (compare.getResult()) {
      case EQUAL -> difference == 0;
      case GREATER -> difference > 0;
      case LESS -> difference < 0;
      case NOT_EQUAL -> difference != 0;
      case UNRECOGNIZED -> true;
    };
  }
}
