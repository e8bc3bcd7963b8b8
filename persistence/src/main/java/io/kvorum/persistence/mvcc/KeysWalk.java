package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.mvccpb.KeyValue;
import org.jspecify.annotations.Nullable;

/** A walk over any {@link Keys}. Records go from the store to the answer as they are. */
final class KeysWalk implements RangeWalk {

  private static final ByteString BEHIND = ByteString.copyFrom(new byte[] {0});

  private enum Phase {
    RECORDS,
    COUNTING,
    END
  }

  private final Keys keys;
  private final RangeRequest request;
  private final RangePosition begun;
  private final Scan scan;
  private final long limit;
  private final boolean filters;
  private final boolean countKnown;
  private Phase phase;

  /** Whether the scan stands at a key that is not dealt with. */
  private boolean standing;

  private boolean moved;
  private long records;
  private long recordBytes;
  private long count;
  private boolean more;

  /**
   * @param request in key order, of which key and revision are replaced by those of {@code from}
   * @param from revision and key are readable in {@code keys}
   */
  KeysWalk(Keys keys, RangeRequest request, RangePosition from) {
    this.keys = keys;
    this.request = request;
    this.begun = from;
    this.limit = request.getLimit() > 0 ? request.getLimit() : Long.MAX_VALUE;
    this.filters = RangeEvaluator.hasFilters(request);
    this.countKnown =
        from.revision() == keys.currentRevision()
            && Interval.of(request.getKey(), request.getRangeEnd()).isEverything();
    this.records = from.records();
    this.recordBytes = from.recordBytes();
    this.count = from.count();
    this.more = from.more();
    Interval rest = Interval.of(from.from(), end(request));
    this.phase =
        from.ended() || rest.isEmpty()
            ? Phase.END
            : more || request.getCountOnly() ? Phase.COUNTING : Phase.RECORDS;
    this.scan = keys.scan(rest, from.revision());
    if (phase == Phase.COUNTING) {
      beginCounting();
    }
  }

  /** The end of the range that a request names; behind its one key if it names no end. */
  private static ByteString end(RangeRequest request) {
    return request.getRangeEnd().isEmpty()
        ? request.getKey().concat(BEHIND)
        : request.getRangeEnd();
  }

  @Override
  public boolean write(AnswerBuffer out, long maxRecords, int fullBytes, long untilNanos) {
    long last = records > Long.MAX_VALUE - maxRecords ? Long.MAX_VALUE : records + maxRecords;
    while (phase == Phase.RECORDS && stand()) {
      boolean full = records >= last || out.size() >= fullBytes;
      if (full && records < limit) {
        return true;
      }
      deal(out);
      if (System.nanoTime() - untilNanos >= 0) {
        return phase == Phase.RECORDS;
      }
    }
    return false;
  }

  @Override
  public boolean pass(long untilNanos) {
    while (phase == Phase.RECORDS && stand()) {
      deal(null);
      if (System.nanoTime() - untilNanos >= 0) {
        return phase == Phase.RECORDS;
      }
    }
    return false;
  }

  /** Moves to the next key not dealt with, if it does not stand there; false at the end. */
  private boolean stand() {
    if (!standing) {
      standing = advance();
    }
    return standing;
  }

  private boolean advance() {
    moved = true;
    if (scan.advance()) {
      return true;
    }
    phase = Phase.END;
    return false;
  }

  private void deal(@Nullable AnswerBuffer out) {
    standing = false;
    count++;
    if (records == limit && !filters) {
      more = true;
    } else {
      byte[] record = recordIfChosen();
      if (record != null && records == limit) {
        more = true;
      } else if (record != null) {
        records++;
        recordBytes += AnswerBuffer.fieldBytes(record.length);
        if (out != null) {
          out.appendRecord(record);
        }
      }
    }
    if (more) {
      phase = Phase.COUNTING;
      beginCounting();
    }
  }

  private byte @Nullable [] recordIfChosen() {
    if (!filters && !request.getKeysOnly()) {
      return scan.encoded();
    }
    byte[] encoded = scan.encoded();
    KeyValue record = RecordCodec.decode(encoded);
    if (!RangeEvaluator.passes(record, request)) {
      return null;
    }
    return request.getKeysOnly() ? RangeEvaluator.trimmed(record, request).toByteArray() : encoded;
  }

  /** The count of the whole store is kept; any other one has to be walked. */
  private void beginCounting() {
    if (countKnown) {
      count = keys.liveKeys();
      phase = Phase.END;
    }
  }

  @Override
  public boolean count(long untilNanos) {
    if (phase == Phase.RECORDS) {
      throw new IllegalStateException("there are records left, at " + position());
    }
    while (phase == Phase.COUNTING && advance()) {
      count++;
      if (System.nanoTime() - untilNanos >= 0) {
        return true;
      }
    }
    return false;
  }

  @Override
  public RangePosition position() {
    return new RangePosition(
        begun.currentRevision(),
        begun.revision(),
        next(),
        records,
        recordBytes,
        count,
        more,
        phase == Phase.END);
  }

  private ByteString next() {
    if (phase == Phase.END || !moved) {
      return begun.from();
    }
    ByteString key = ByteString.copyFrom(scan.key());
    return standing ? key : key.concat(BEHIND);
  }

  @Override
  public void close() {
    scan.close();
  }
}
