package io.kvorum.verification.simulation;

import com.google.protobuf.ByteString;
import io.kvorum.persistence.mvcc.History;
import io.kvorum.persistence.mvcc.RangePosition;
import io.kvorum.persistence.mvcc.RangeWalk;
import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.persistence.mvcc.RevisionEvents;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import io.kvorum.protocol.etcdserverpb.TxnResponse;
import io.kvorum.protocol.mvccpb.Event;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Every revision that any member's state machine has come to, with what changed in it: what
 * watchers have to be told, and the history that a member's store can be asked for.
 */
final class WatchedHistory {
  private final TreeMap<Long, RevisionEvents> revisions = new TreeMap<>();

  /** What changed between two states, null if nothing did; known from then on. */
  @Nullable RevisionEvents learn(Store before, Store after) {
    if (after.revision() == before.revision()) {
      return null;
    }
    return revisions.computeIfAbsent(after.revision(), revision -> changes(before, after));
  }

  private static RevisionEvents changes(Store before, Store after) {
    List<Event> events = new ArrayList<>();
    after
        .cells()
        .forEach(
            (key, version) -> {
              if (version.modRevision() == after.revision()) {
                KeyValue.Builder record = record(key, after.revision()).setVersion(1);
                record.setValue(ByteString.copyFromUtf8(version.value()));
                events.add(event(Event.EventType.PUT, record));
              }
            });
    before.cells().keySet().stream()
        .filter(key -> !after.cells().containsKey(key))
        .forEach(key -> events.add(event(Event.EventType.DELETE, record(key, after.revision()))));
    return new RevisionEvents(after.revision(), List.copyOf(events));
  }

  private static KeyValue.Builder record(String key, long revision) {
    return KeyValue.newBuilder().setKey(ByteString.copyFromUtf8(key)).setModRevision(revision);
  }

  private static Event event(Event.EventType type, KeyValue.Builder record) {
    return Event.newBuilder().setType(type).setKv(record).build();
  }

  /** In order, behind this one. */
  NavigableMap<Long, RevisionEvents> after(long revision) {
    return revisions.tailMap(revision, false);
  }

  /** What a member's store shows that has come to this revision. */
  ReadView view(long current) {
    return new View(current);
  }

  private final class View implements ReadView {
    private final long current;

    View(long current) {
      this.current = current;
    }

    @Override
    public long currentRevision() {
      return current;
    }

    @Override
    public long compactedRevision() {
      return -1;
    }

    @Override
    public Outcome<History> history(long fromRevision, int maxRevisions, long maxBytes) {
      List<RevisionEvents> found = new ArrayList<>();
      for (RevisionEvents events : revisions.tailMap(fromRevision, true).values()) {
        if (events.revision() > current) {
          break;
        }
        if (found.size() == maxRevisions) {
          return Outcome.ok(new History(found, events.revision()));
        }
        found.add(events);
      }
      return Outcome.ok(new History(found, Math.max(fromRevision, current + 1)));
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

    @Override
    public @Nullable KeyValue get(ByteString key, long revision) {
      throw new UnsupportedOperationException("nobody asks for previous values here");
    }

    @Override
    public void close() {
      // holds nothing
    }
  }
}
