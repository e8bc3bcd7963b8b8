package io.kvorum.actors.apply;

import io.kvorum.persistence.mvcc.ApplyBatch;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.AlarmType;
import io.kvorum.protocol.internal.Command;

/**
 * While CORRUPT is raised for any member, nothing changes the keyspace any more, compaction
 * included: what is there is evidence. Alarms and the membership can be changed (etcd's
 * apply/corrupt.go).
 */
final class CorruptLayer implements CommandLayer {
  private final AlarmState alarms;
  private final CommandLayer below;

  CorruptLayer(AlarmState alarms, CommandLayer below) {
    this.alarms = alarms;
    this.below = below;
  }

  @Override
  public Outcome<Object> apply(ApplyBatch batch, LogPosition at, Command command) {
    if (alarms.isRaised(AlarmType.CORRUPT) && changesKeyspace(command)) {
      batch.skip(at);
      return Outcome.refused(EtcdError.CORRUPT);
    }
    return below.apply(batch, at, command);
  }

  private static boolean changesKeyspace(Command command) {
    return switch (command.getRequestCase()) {
      case PUT, DELETE_RANGE, TXN, COMPACTION, RANGE, LEASE_GRANT, LEASE_REVOKE, LEASE_EXPIRY ->
          true;
      case LEASE_CHECKPOINTS,
          ALARM,
          MEMBER_ATTRIBUTES,
          CLUSTER_VERSION,
          DOWNGRADE,
          REQUEST_NOT_SET ->
          false;
    };
  }
}
