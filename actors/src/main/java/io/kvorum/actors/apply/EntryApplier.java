package io.kvorum.actors.apply;

import com.google.protobuf.InvalidProtocolBufferException;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.persistence.mvcc.ApplyBatch;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.internal.Command;
import io.kvorum.protocol.internal.Membership;
import io.kvorum.protocol.internal.MembershipChange;
import java.util.List;

/**
 * What a committed entry does: decodes it, and passes its command through the layers. Owns the
 * state that is replicated beside the keys, which is written, taken back and replaced together with
 * them. The {@link Applier}'s thread only.
 */
public final class EntryApplier {

  /**
   * What became of an entry.
   *
   * @param requestId names the caller that waits, 0 if none does
   */
  record Answer(long requestId, Outcome<Object> outcome) {}

  private final MembershipState membership;
  private final AlarmState alarms;
  private final List<StoredState<?>> states;
  private final CommandLayer layers;

  /**
   * @param quota this member's own
   * @param quotaExceeded told of what this member had no room for; must not block
   */
  public EntryApplier(
      MembershipState membership, AlarmState alarms, Quota quota, Runnable quotaExceeded) {
    this.membership = membership;
    this.alarms = alarms;
    this.states = List.of(membership, alarms);
    // Outermost first, as in etcd: corrupt, no space, quota, store.
    this.layers =
        new CorruptLayer(
            alarms,
            new NoSpaceLayer(
                alarms, new QuotaLayer(quota, quotaExceeded, new StoreLayer(membership, alarms))));
  }

  /** Applies one entry, and consumes it in the batch. */
  Answer apply(ApplyBatch batch, Entry entry) {
    return switch (entry.kind()) {
      case EMPTY -> {
        batch.skip(entry.position());
        yield new Answer(0, Outcome.ok(entry.position()));
      }
      case MEMBERSHIP -> {
        MembershipChange change = MembershipState.change(entry);
        Outcome<Membership> outcome = membership.apply(change);
        batch.skip(entry.position());
        yield new Answer(change.getRequestId(), outcome.map(changed -> changed));
      }
      case COMMAND -> {
        Command command = command(entry);
        yield new Answer(
            command.getHeader().getId(), layers.apply(batch, entry.position(), command));
      }
    };
  }

  private static Command command(Entry entry) {
    try {
      return Command.parseFrom(entry.payload());
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("entry " + entry.position() + " cannot be read", e);
    }
  }

  Configuration configuration() {
    return membership.configuration();
  }

  /** Whether the batch under way has changed the membership or the cluster's version. */
  boolean changesMembership() {
    return membership.changed();
  }

  boolean changesAlarms() {
    return alarms.changed();
  }

  /** The state beside the keys goes into the batch that changed it. */
  void writeTo(ApplyBatch batch) {
    states.forEach(state -> state.writeTo(batch));
  }

  /** The batch is in the keyspace. */
  void written() {
    states.forEach(StoredState::written);
  }

  /** The batch could not be written, and its entries will be applied again. */
  void takeBack() {
    states.forEach(StoredState::takeBack);
  }

  /** A snapshot took the keyspace's place. */
  void replaced(Keyspace keyspace) {
    byte[] stored = keyspace.meta(MembershipState.META_KEY);
    if (stored == null) {
      throw new IllegalStateException(
          "the snapshot at " + keyspace.applied() + " does not say who the members are");
    }
    membership.replace(MembershipState.parse(stored));
    alarms.replace(AlarmState.storedIn(keyspace));
  }
}
