package io.kvorum.actors.raft;

import io.kvorum.actors.raft.log.Entry;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.ArrayList;
import java.util.List;

/** Writes down every effect of a replica, in order, as a closed set of values. */
final class RecordingPorts
    implements Ports.RaftTransport,
        Ports.Wal,
        Ports.Applier,
        Ports.Replies,
        Ports.Observer,
        Ports.Snapshots {

  sealed interface Effect {}

  record Sent(MemberId to, RaftMessage message) implements Effect {}

  record Write(HardState hardState, List<Entry> entries, List<Ports.Envelope> release)
      implements Effect {}

  record Compacted(LogPosition base) implements Effect {}

  record Applied(List<Entry> entries) implements Effect {}

  record ReadAt(long token, long index) implements Effect {}

  record Refused(long requestId, EtcdError error) implements Effect {}

  record Leads(MemberId leader, long term) implements Effect {}

  record Committed(long index) implements Effect {}

  record SnapshotTo(MemberId to, long term) implements Effect {}

  record Install(LogPosition at) implements Effect {}

  record Discard(LogPosition at) implements Effect {}

  private List<Effect> effects = new ArrayList<>();

  Ports ports() {
    return new Ports(this, this, this, this, this, this);
  }

  /** The effects since the last call. */
  List<Effect> take() {
    List<Effect> taken = effects;
    effects = new ArrayList<>();
    return taken;
  }

  @Override
  public void send(MemberId to, RaftMessage message) {
    effects.add(new Sent(to, message));
  }

  @Override
  public void write(HardState hardState, List<Entry> entries, List<Ports.Envelope> release) {
    effects.add(new Write(hardState, entries, release));
  }

  @Override
  public void compact(LogPosition base) {
    effects.add(new Compacted(base));
  }

  @Override
  public void apply(List<Entry> committed) {
    effects.add(new Applied(committed));
  }

  @Override
  public void readIndex(long token, long index) {
    effects.add(new ReadAt(token, index));
  }

  @Override
  public void refused(long requestId, EtcdError error) {
    effects.add(new Refused(requestId, error));
  }

  @Override
  public void leader(MemberId leader, long term) {
    effects.add(new Leads(leader, term));
  }

  @Override
  public void committed(long index) {
    effects.add(new Committed(index));
  }

  @Override
  public void send(MemberId to, long term) {
    effects.add(new SnapshotTo(to, term));
  }

  @Override
  public void install(LogPosition at) {
    effects.add(new Install(at));
  }

  @Override
  public void discard(LogPosition at) {
    effects.add(new Discard(at));
  }
}
