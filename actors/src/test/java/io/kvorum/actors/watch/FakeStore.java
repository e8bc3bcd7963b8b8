package io.kvorum.actors.watch;

import com.google.protobuf.ByteString;
import io.kvorum.persistence.mvcc.History;
import io.kvorum.persistence.mvcc.RangePosition;
import io.kvorum.persistence.mvcc.RangeWalk;
import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.persistence.mvcc.RevisionEvents;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import io.kvorum.protocol.etcdserverpb.TxnResponse;
import io.kvorum.protocol.mvccpb.Event;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A keyspace in memory with every revision that ever was, seen through views that must be closed.
 */
final class FakeStore implements Supplier<ReadView> {
  /** One operation of a transaction: a put, or a delete where the value is null. */
  record Op(String key, @Nullable String value) {}

  final AtomicInteger openViews = new AtomicInteger();
  final AtomicInteger historyReads = new AtomicInteger();

  /** Index 0 is revision 2, the first that a store writes. */
  private final List<RevisionEvents> revisions = new ArrayList<>();

  private final Map<ByteString, TreeMap<Long, KeyValue>> versions = new HashMap<>();
  private final Map<ByteString, KeyValue> live = new HashMap<>();
  private long current = 1;
  private long compacted = -1;
  private boolean tellsPreviousValues;

  @Override
  public synchronized ReadView get() {
    openViews.incrementAndGet();
    return new View(current, compacted);
  }

  synchronized long current() {
    return current;
  }

  synchronized long compacted() {
    return compacted;
  }

  synchronized void compact(long revision) {
    compacted = Math.max(compacted, revision);
  }

  /** Applies the operations at one revision; nothing if they only delete what is not there. */
  synchronized List<RevisionEvents> commit(Op... ops) {
    long revision = current + 1;
    var events = new ArrayList<Event>();
    for (var op : ops) {
      var key = ByteString.copyFromUtf8(op.key());
      var previous = live.get(key);
      var event = Event.newBuilder();
      if (op.value() != null) {
        var kv =
            KeyValue.newBuilder()
                .setKey(key)
                .setValue(ByteString.copyFromUtf8(op.value()))
                .setCreateRevision(previous == null ? revision : previous.getCreateRevision())
                .setModRevision(revision)
                .setVersion(previous == null ? 1 : previous.getVersion() + 1)
                .build();
        live.put(key, kv);
        versions.computeIfAbsent(key, _ -> new TreeMap<>()).put(revision, kv);
        event.setType(Event.EventType.PUT).setKv(kv);
      } else if (previous != null) {
        var tombstone = KeyValue.newBuilder().setKey(key).setModRevision(revision).build();
        live.remove(key);
        versions.computeIfAbsent(key, _ -> new TreeMap<>()).put(revision, tombstone);
        event.setType(Event.EventType.DELETE).setKv(tombstone);
      } else {
        continue;
      }
      if (previous != null) {
        event.setPrevKv(previous);
      }
      events.add(event.build());
    }
    if (events.isEmpty()) {
      return List.of();
    }
    current = revision;
    var committed = new RevisionEvents(revision, events);
    revisions.add(committed);
    return List.of(tellsPreviousValues ? committed : told(committed));
  }

  synchronized void tellPreviousValues(boolean wanted) {
    tellsPreviousValues = wanted;
  }

  /** The writer does not know the value that a put replaces, unless it is asked to. */
  private static RevisionEvents told(RevisionEvents revision) {
    return new RevisionEvents(
        revision.revision(),
        revision.events().stream()
            .map(e -> e.getType() == Event.EventType.PUT ? e.toBuilder().clearPrevKv().build() : e)
            .toList());
  }

  /** All events of all revisions from 2 on, previous values included. */
  synchronized List<RevisionEvents> all() {
    return List.copyOf(revisions);
  }

  private synchronized @Nullable KeyValue version(ByteString key, long revision) {
    var known = versions.get(key);
    var entry = known == null ? null : known.floorEntry(revision);
    return entry == null || entry.getValue().getVersion() == 0 ? null : entry.getValue();
  }

  private synchronized RevisionEvents at(long revision) {
    return revisions.get((int) (revision - 2));
  }

  private final class View implements ReadView {
    private final long viewCurrent;
    private final long viewCompacted;
    private boolean closed;

    View(long current, long compacted) {
      this.viewCurrent = current;
      this.viewCompacted = compacted;
    }

    @Override
    public long currentRevision() {
      return viewCurrent;
    }

    @Override
    public long compactedRevision() {
      return viewCompacted;
    }

    @Override
    public Outcome<History> history(long fromRevision, int maxRevisions, long maxBytes) {
      requireOpen();
      historyReads.incrementAndGet();
      if (fromRevision < viewCompacted) {
        return Outcome.refused(EtcdError.COMPACTED);
      }
      var found = new ArrayList<RevisionEvents>();
      long bytes = 0;
      long next = Math.max(fromRevision, 2);
      while (next <= viewCurrent && found.size() < maxRevisions) {
        var stored = withoutPrevious(at(next));
        for (var event : stored.events()) {
          bytes += event.getSerializedSize();
        }
        if (bytes > maxBytes && !found.isEmpty()) {
          break;
        }
        found.add(stored);
        next++;
      }
      return Outcome.ok(new History(found, next));
    }

    /** What is stored knows nothing of the value before. */
    private static RevisionEvents withoutPrevious(RevisionEvents revision) {
      return new RevisionEvents(
          revision.revision(),
          revision.events().stream().map(e -> e.toBuilder().clearPrevKv().build()).toList());
    }

    @Override
    public @Nullable KeyValue get(ByteString key, long revision) {
      requireOpen();
      if (revision < viewCompacted) {
        throw new AssertionError("read at " + revision + " below " + viewCompacted);
      }
      return version(key, revision);
    }

    @Override
    public Outcome<RangeResponse.Builder> range(RangeRequest request, long maxBytes) {
      throw new UnsupportedOperationException("watches do not range");
    }

    @Override
    public Outcome<RangeWalk> walk(RangeRequest request) {
      throw new UnsupportedOperationException("watches do not range");
    }

    @Override
    public Outcome<RangeWalk> walkOn(RangeRequest request, RangePosition from) {
      throw new UnsupportedOperationException("watches do not range");
    }

    @Override
    public Outcome<TxnResponse.Builder> readOnlyTxn(TxnRequest request, long maxBytes) {
      throw new UnsupportedOperationException("watches run no transactions");
    }

    private void requireOpen() {
      if (closed) {
        throw new AssertionError("view used after close");
      }
    }

    @Override
    public void close() {
      if (closed) {
        throw new AssertionError("view closed twice");
      }
      closed = true;
      openViews.decrementAndGet();
    }
  }
}
