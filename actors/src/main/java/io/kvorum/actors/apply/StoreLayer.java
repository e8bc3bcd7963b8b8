package io.kvorum.actors.apply;

import io.kvorum.persistence.mvcc.ApplyBatch;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.internal.Command;

/** The innermost layer: what each command does to the keyspace and the state beside it. */
final class StoreLayer implements CommandLayer {
  private final MembershipState membership;
  private final AlarmState alarms;

  StoreLayer(MembershipState membership, AlarmState alarms) {
    this.membership = membership;
    this.alarms = alarms;
  }

  @Override
  public Outcome<Object> apply(ApplyBatch batch, LogPosition at, Command command) {
    return switch (command.getRequestCase()) {
      case PUT -> batch.put(at, command.getPut()).map(r -> r);
      case DELETE_RANGE -> batch.deleteRange(at, command.getDeleteRange()).map(r -> r);
      case TXN -> batch.txn(at, command.getTxn()).map(r -> r);
      case COMPACTION -> batch.compact(at, command.getCompaction()).map(r -> r);
      case LEASE_GRANT -> batch.grantLease(at, command.getLeaseGrant()).map(r -> r);
      case LEASE_REVOKE -> batch.revokeLease(at, command.getLeaseRevoke()).map(r -> r);
      case LEASE_EXPIRY -> Outcome.ok(batch.expireLeases(at, command.getLeaseExpiry()));
      case LEASE_CHECKPOINTS ->
          Outcome.ok(batch.checkpointLeases(at, command.getLeaseCheckpoints()));
      case ALARM -> {
        batch.skip(at);
        yield Outcome.ok(alarms.apply(command.getAlarm()));
      }
      case MEMBER_ATTRIBUTES -> {
        membership.apply(command.getMemberAttributes());
        batch.skip(at);
        yield Outcome.ok(membership.get());
      }
      case CLUSTER_VERSION -> {
        membership.applyClusterVersion(command.getClusterVersion().getVersion());
        batch.skip(at);
        yield Outcome.ok(membership.get());
      }
      case DOWNGRADE -> {
        membership.applyDowngrade(command.getDowngrade().getTargetVersion());
        batch.skip(at);
        yield Outcome.ok(membership.get());
      }
      case RANGE, REQUEST_NOT_SET ->
          throw new IllegalStateException(
              "entry " + at + " holds a command that is not known here");
    };
  }
}
