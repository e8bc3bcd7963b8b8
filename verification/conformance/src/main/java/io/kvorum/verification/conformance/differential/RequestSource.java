package io.kvorum.verification.conformance.differential;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.CompactionRequest;
import io.etcd.jetcd.api.DeleteRangeRequest;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.RangeRequest;
import java.util.SplittableRandom;

/**
 * An endless stream of requests, a function of the seed and of the revisions the reference
 * reported. The key space is small, so that requests meet each other's effects; about one request
 * in ten is wrong on purpose.
 */
public final class RequestSource {
  private static final int UNKNOWN_ENUM_NUMBER = 9;

  private final SplittableRandom random;
  private final KeyPool keys;
  private final TxnSource txns;
  private long currentRevision = 1;
  private long compactedRevision;

  public RequestSource(long seed) {
    this.random = new SplittableRandom(seed);
    this.keys = new KeyPool(random);
    this.txns = new TxnSource(random, keys, this);
  }

  /** The newest revision a server has reported; requests aim around it. */
  public void revisionIs(long revision) {
    currentRevision = Math.max(currentRevision, revision);
  }

  public void compactedAt(long revision) {
    compactedRevision = Math.max(compactedRevision, revision);
  }

  public Call next() {
    int dice = random.nextInt(1000);
    if (dice < 360) return new Call.Range(range());
    if (dice < 670) return new Call.Put(put());
    if (dice < 740) return new Call.Delete(delete());
    if (dice < 990) return new Call.Txn(txns.next());
    return new Call.Compact(compaction());
  }

  RangeRequest range() {
    var request = RangeRequest.newBuilder();
    var interval = keys.interval();
    request.setKey(interval.key()).setRangeEnd(interval.end());
    if (oneIn(3)) request.setRevision(readRevision());
    if (oneIn(3)) request.setLimit(limit());
    if (oneIn(3))
      request.setSortOrderValue(random.nextInt(3)).setSortTargetValue(random.nextInt(5));
    if (oneIn(60)) request.setSortOrderValue(UNKNOWN_ENUM_NUMBER);
    if (oneIn(60)) request.setSortTargetValue(UNKNOWN_ENUM_NUMBER + random.nextInt(3));
    if (oneIn(100)) request.setSortTargetValue(-1);
    request.setSerializable(random.nextBoolean());
    request.setKeysOnly(oneIn(6)).setCountOnly(oneIn(8));
    if (oneIn(6)) request.setMinModRevision(filterRevision());
    if (oneIn(6)) request.setMaxModRevision(filterRevision());
    if (oneIn(8)) request.setMinCreateRevision(filterRevision());
    if (oneIn(8)) request.setMaxCreateRevision(filterRevision());
    return request.build();
  }

  PutRequest put() {
    var request = PutRequest.newBuilder().setKey(oneIn(80) ? ByteString.EMPTY : keys.key());
    boolean ignoreValue = oneIn(10);
    if (!ignoreValue || oneIn(5)) request.setValue(keys.value());
    request.setIgnoreValue(ignoreValue).setIgnoreLease(oneIn(12)).setPrevKv(oneIn(3));
    if (oneIn(ignoreValue ? 8 : 40)) request.setLease(absentLease());
    return request.build();
  }

  DeleteRangeRequest delete() {
    // most deletes are narrow, or nothing would ever live long enough to be read
    var interval = oneIn(4) ? keys.interval() : new KeyPool.Interval(keys.key(), ByteString.EMPTY);
    return DeleteRangeRequest.newBuilder()
        .setKey(interval.key())
        .setRangeEnd(interval.end())
        .setPrevKv(random.nextBoolean())
        .build();
  }

  private CompactionRequest compaction() {
    long revision =
        switch (random.nextInt(8)) {
          case 0 -> currentRevision;
          case 1 -> currentRevision + 1 + random.nextInt(3);
          case 2 -> compactedRevision;
          case 3 -> compactedRevision - random.nextInt(3);
          case 4 -> random.nextInt(3) - 1L;
          default -> between(compactedRevision, currentRevision);
        };
    return CompactionRequest.newBuilder().setRevision(revision).setPhysical(oneIn(4)).build();
  }

  /** A revision to read at: mostly readable, at times not yet, no longer, or senseless. */
  long readRevision() {
    return switch (random.nextInt(12)) {
      case 0 -> currentRevision + 1;
      case 1 -> currentRevision + random.nextInt(1000);
      case 2 -> compactedRevision - 1;
      case 3 -> compactedRevision;
      case 4 -> -random.nextInt(4);
      case 5 -> currentRevision;
      default -> between(compactedRevision, currentRevision);
    };
  }

  private long filterRevision() {
    return switch (random.nextInt(10)) {
      case 0 -> -1;
      case 1 -> Long.MAX_VALUE;
      case 2 -> Long.MIN_VALUE;
      case 3 -> 0;
      default -> between(Math.max(compactedRevision, currentRevision - 300), currentRevision);
    };
  }

  private long limit() {
    return switch (random.nextInt(8)) {
      case 0 -> 0;
      case 1 -> -1;
      case 2 -> Long.MAX_VALUE;
      default -> 1 + random.nextInt(8);
    };
  }

  long currentRevision() {
    return currentRevision;
  }

  long absentLease() {
    return random.nextBoolean() ? 1 + random.nextInt(1000) : -7;
  }

  boolean oneIn(int n) {
    return random.nextInt(n) == 0;
  }

  private long between(long low, long high) {
    return high <= low ? low : low + random.nextLong(high - low + 1);
  }
}
