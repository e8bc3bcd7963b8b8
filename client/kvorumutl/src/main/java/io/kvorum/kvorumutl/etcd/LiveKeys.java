package io.kvorum.kvorumutl.etcd;

import com.google.protobuf.ByteString;
import java.util.HashSet;
import java.util.Set;

/**
 * Counts the keys that live behind the last record. Where no compaction was left unfinished that
 * needs no memory: of a key that lived at the compacted revision one put is left at or below it, of
 * others none, and behind it every birth (version 1) and every death is there. Else the keys are
 * remembered, as etcd's tool always does.
 */
final class LiveKeys {
  private final long compacted;
  private final boolean remember;
  private final Set<ByteString> keys = new HashSet<>();
  private long count;

  LiveKeys(StoreMeta meta) {
    this.compacted = meta.finishedCompaction();
    this.remember = meta.isCompacting();
  }

  void add(RecordCursor at) {
    if (remember) {
      remember(at);
    } else if (at.isTombstone()) {
      count -= at.main() > compacted ? 1 : 0;
    } else if (at.main() <= compacted || at.keyValue().getVersion() == 1) {
      count++;
    }
  }

  private void remember(RecordCursor at) {
    if (at.isTombstone()) {
      keys.remove(at.keyValue().getKey());
    } else {
      keys.add(ByteString.copyFrom(at.keyValue().getKey().toByteArray()));
    }
  }

  long count() {
    return remember ? keys.size() : count;
  }
}
