package io.kvorum.actors.apply;

import io.kvorum.persistence.mvcc.ApplyBatch;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.internal.Command;

/**
 * What passes this member's quota is applied all the same, since the others may have room for it:
 * only the answer says otherwise, and the member asks for its alarm, which then refuses what comes
 * after on all of them (etcd's apply/quota.go).
 */
final class QuotaLayer implements CommandLayer {
  private final Quota quota;
  private final Runnable exceeded;
  private final CommandLayer below;

  /**
   * @param exceeded told of each command that found no room; must not block
   */
  QuotaLayer(Quota quota, Runnable exceeded, CommandLayer below) {
    this.quota = quota;
    this.exceeded = exceeded;
    this.below = below;
  }

  @Override
  public Outcome<Object> apply(ApplyBatch batch, LogPosition at, Command command) {
    long cost = Quota.cost(command);
    boolean fits = cost == 0 || quota.allows(cost, batch.sizeBytes());
    Outcome<Object> outcome = below.apply(batch, at, command);
    if (fits || outcome instanceof Outcome.Refused<Object>) {
      return outcome;
    }
    exceeded.run();
    return Outcome.refused(EtcdError.NO_SPACE);
  }
}
