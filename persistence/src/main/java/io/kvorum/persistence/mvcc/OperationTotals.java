package io.kvorum.persistence.mvcc;

import java.util.concurrent.atomic.LongAdder;

/** Operations since the keyspace was opened, as etcd counts them. */
final class OperationTotals {

  final LongAdder puts = new LongAdder();
  final LongAdder deletes = new LongAdder();
  final LongAdder ranges = new LongAdder();
  final LongAdder txns = new LongAdder();
  final LongAdder putBytes = new LongAdder();

  /** Operations of one request; it counts as a transaction if they are several. */
  static final class Tally {
    private final OperationTotals totals;
    private int puts;
    private int deletes;
    private int ranges;
    private long putBytes;

    Tally(OperationTotals totals) {
      this.totals = totals;
    }

    void put(long bytes) {
      puts++;
      putBytes += bytes;
    }

    void delete() {
      deletes++;
    }

    void range() {
      ranges++;
    }

    /** Adds what was counted to the totals and starts again from zero. */
    void close() {
      if (puts + deletes + ranges > 1) {
        totals.txns.increment();
      }
      if (puts > 0) {
        totals.puts.add(puts);
        totals.putBytes.add(putBytes);
      }
      if (deletes > 0) {
        totals.deletes.add(deletes);
      }
      if (ranges > 0) {
        totals.ranges.add(ranges);
      }
      puts = 0;
      deletes = 0;
      ranges = 0;
      putBytes = 0;
    }
  }
}
