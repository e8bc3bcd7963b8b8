package io.kvorum.actors.apply;

import io.kvorum.persistence.mvcc.ApplyBatch;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.AlarmType;
import io.kvorum.protocol.internal.Command;

/**
 * While NOSPACE is raised for any member, nothing grows the keyspace any more, on all members
 * alike; deletes and compaction, which make room, go on (etcd's apply/capped.go).
 */
final class NoSpaceLayer implements CommandLayer {
  private final AlarmState alarms;
  private final CommandLayer below;

  NoSpaceLayer(AlarmState alarms, CommandLayer below) {
    this.alarms = alarms;
    this.below = below;
  }

  @Override
  public Outcome<Object> apply(ApplyBatch batch, LogPosition at, Command command) {
    if (alarms.isRaised(AlarmType.NOSPACE) && Quota.cost(command) > 0) {
      batch.skip(at);
      return Outcome.refused(EtcdError.NO_SPACE);
    }
    return below.apply(batch, at, command);
  }
}
