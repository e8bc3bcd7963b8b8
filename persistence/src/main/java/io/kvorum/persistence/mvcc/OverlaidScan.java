package io.kvorum.persistence.mvcc;

import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A committed scan with the changes of an uncommitted batch laid over it. */
final class OverlaidScan implements Scan {

  private final Scan base;
  private final Iterator<Map.Entry<byte[], KeyChanges>> changes;
  private final long revision;

  /** Where each of the two stands; null at its end. */
  private byte @Nullable [] baseKey;

  private byte @Nullable [] changedKey;
  private @Nullable KeyValue changedRecord;

  private boolean started;
  private boolean baseTaken;
  private boolean changeTaken;
  private byte[] key = new byte[0];

  /**
   * @param changes in key order, within the interval of {@code base}
   * @param revision changes behind it are not seen
   */
  OverlaidScan(Scan base, Iterator<Map.Entry<byte[], KeyChanges>> changes, long revision) {
    this.base = base;
    this.changes = changes;
    this.revision = revision;
  }

  @Override
  public boolean advance() {
    if (!started || baseTaken) {
      nextBase();
    }
    if (!started || changeTaken) {
      nextChange();
    }
    started = true;
    while (true) {
      byte[] committed = baseKey;
      byte[] changed = changedKey;
      if (committed == null && changed == null) {
        return false;
      }
      int order =
          committed == null ? 1 : changed == null ? -1 : Arrays.compareUnsigned(committed, changed);
      baseTaken = order <= 0;
      changeTaken = order >= 0;
      if (committed != null && order < 0) {
        key = committed;
        return true;
      }
      if (changed != null && changedRecord != null) {
        key = changed;
        return true;
      }
      // A tombstone, which hides the committed key of the same name.
      if (baseTaken) {
        nextBase();
      }
      nextChange();
    }
  }

  private void nextBase() {
    baseKey = base.advance() ? base.key() : null;
  }

  private void nextChange() {
    while (changes.hasNext()) {
      Map.Entry<byte[], KeyChanges> next = changes.next();
      KeyChanges.Version version = next.getValue().at(revision);
      if (version != null) {
        changedKey = next.getKey();
        changedRecord = version.record();
        return;
      }
    }
    changedKey = null;
    changedRecord = null;
  }

  @Override
  public byte[] key() {
    return key;
  }

  @Override
  public KeyValue record() {
    KeyValue changed = changedRecord;
    return changeTaken && changed != null ? changed : base.record();
  }

  @Override
  public void close() {
    base.close();
  }
}
