package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.etcdserverpb.Compare;
import io.kvorum.protocol.etcdserverpb.DeleteRangeRequest;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RequestOp;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;

/**
 * Requests over few keys, so that they meet, from a seeded source. They obey the checks that are
 * made before a request is applied.
 */
final class RandomRequests {

  private static final byte[] KEY_BYTES = {0, 1, 'a', 'b', (byte) 0x7f};

  private final Random random;

  RandomRequests(Random random) {
    this.random = random;
  }

  ByteString key() {
    byte[] key = new byte[1 + random.nextInt(3)];
    for (int i = 0; i < key.length; i++) {
      key[i] = KEY_BYTES[random.nextInt(KEY_BYTES.length)];
    }
    return ByteString.copyFrom(key);
  }

  private ByteString rangeEnd() {
    return switch (random.nextInt(6)) {
      case 0, 1 -> ByteString.EMPTY;
      case 2 -> Requests.OPEN_END;
      default -> key();
    };
  }

  private boolean oneIn(int n) {
    return random.nextInt(n) == 0;
  }

  private long revision(long current) {
    return random.nextLong(Math.max(1, current - 20), current + 1);
  }

  PutRequest put() {
    PutRequest.Builder put = PutRequest.newBuilder().setKey(key()).setPrevKv(oneIn(3));
    if (oneIn(8)) {
      put.setIgnoreValue(true);
    } else if (!oneIn(10)) {
      String value = Integer.toString(random.nextInt(20));
      // Some are too large to be stored beside their key.
      put.setValue(
          ByteString.copyFromUtf8(oneIn(12) ? value.repeat(CurrentRow.MAX_INLINE_BYTES) : value));
    }
    if (oneIn(8)) {
      put.setIgnoreLease(true);
    } else if (oneIn(4)) {
      put.setLease(oneIn(5) ? 99 : oneIn(2) ? TestKeyspace.LEASE : TestKeyspace.OTHER_LEASE);
    }
    return put.build();
  }

  DeleteRangeRequest delete() {
    DeleteRangeRequest.Builder delete =
        DeleteRangeRequest.newBuilder().setKey(key()).setPrevKv(oneIn(2));
    return oneIn(3)
        ? delete.setRangeEnd(oneIn(8) ? Requests.OPEN_END : key()).build()
        : delete.build();
  }

  RangeRequest range(long current) {
    RangeRequest.Builder range = RangeRequest.newBuilder().setKey(key()).setRangeEnd(rangeEnd());
    if (oneIn(8)) {
      range.setKey(Requests.OPEN_END).setRangeEnd(Requests.OPEN_END);
    }
    if (oneIn(3)) {
      range.setRevision(
          oneIn(8)
              ? (oneIn(2) ? -random.nextInt(4) : current + random.nextInt(3))
              : revision(current));
    }
    if (oneIn(3)) {
      range.setLimit(random.nextInt(-1, 6));
    }
    if (oneIn(3)) {
      range.setSortOrderValue(random.nextInt(3)).setSortTargetValue(random.nextInt(5));
    }
    range.setKeysOnly(oneIn(6)).setCountOnly(oneIn(8));
    if (oneIn(5)) {
      range.setMinModRevision(revision(current));
    }
    if (oneIn(5)) {
      range.setMaxModRevision(revision(current));
    }
    if (oneIn(8)) {
      range.setMinCreateRevision(revision(current));
    }
    if (oneIn(8)) {
      range.setMaxCreateRevision(revision(current));
    }
    return range.build();
  }

  private Compare compare(long current) {
    Compare.Builder compare =
        Compare.newBuilder()
            .setKey(key())
            .setTargetValue(random.nextInt(6))
            .setResultValue(random.nextInt(5));
    if (oneIn(3)) {
      compare.setRangeEnd(rangeEnd());
    }
    return switch (random.nextInt(6)) {
      case 0 -> compare.setVersion(random.nextInt(3)).build();
      case 1 -> compare.setCreateRevision(oneIn(2) ? 0 : revision(current)).build();
      case 2 -> compare.setModRevision(revision(current)).build();
      case 3 ->
          compare.setValue(ByteString.copyFromUtf8(Integer.toString(random.nextInt(20)))).build();
      case 4 -> compare.setLease(oneIn(2) ? 0 : TestKeyspace.LEASE).build();
      default -> compare.build();
    };
  }

  /**
   * A transaction in which no key is put twice. Puts may meet a delete of everything from a key on,
   * and nothing else.
   */
  TxnRequest txn(long current) {
    return txn(current, 3, new HashSet<>(), new HashSet<>());
  }

  private TxnRequest txn(long current, int depth, Set<ByteString> puts, Set<ByteString> deletes) {
    TxnRequest.Builder txn = TxnRequest.newBuilder();
    for (int i = random.nextInt(3); i > 0; i--) {
      txn.addCompare(compare(current));
    }
    for (int i = random.nextInt(5); i > 0; i--) {
      txn.addSuccess(op(current, depth, puts, deletes));
    }
    for (int i = random.nextInt(4); i > 0; i--) {
      txn.addFailure(op(current, depth, puts, deletes));
    }
    return txn.build();
  }

  private RequestOp op(long current, int depth, Set<ByteString> puts, Set<ByteString> deletes) {
    RequestOp.Builder op = RequestOp.newBuilder();
    switch (random.nextInt(depth > 0 ? 8 : 7)) {
      case 0, 1, 2 -> {
        PutRequest put = put();
        if (deletes.contains(put.getKey()) || !puts.add(put.getKey())) {
          return op.setRequestRange(range(current)).build();
        }
        // The reference does not say what becomes of an ignoring put behind a delete.
        return op.setRequestPut(
                deletes.isEmpty()
                    ? put
                    : put.toBuilder().setIgnoreValue(false).setIgnoreLease(false).build())
            .build();
      }
      case 3, 4 -> {
        ByteString key = key();
        if (oneIn(6)) {
          deletes.add(ByteString.EMPTY);
          return op.setRequestDeleteRange(
                  DeleteRangeRequest.newBuilder()
                      .setKey(key)
                      .setRangeEnd(Requests.OPEN_END)
                      .setPrevKv(oneIn(2)))
              .build();
        }
        if (!puts.contains(key)) {
          deletes.add(key);
          return op.setRequestDeleteRange(
                  DeleteRangeRequest.newBuilder().setKey(key).setPrevKv(oneIn(2)))
              .build();
        }
        return op.setRequestRange(range(current)).build();
      }
      case 7 -> {
        return op.setRequestTxn(txn(current, depth - 1, puts, deletes)).build();
      }
      default -> {
        return op.setRequestRange(range(current)).build();
      }
    }
  }
}
