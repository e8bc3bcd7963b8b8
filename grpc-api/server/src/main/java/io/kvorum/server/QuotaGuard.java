package io.kvorum.server;

import io.kvorum.actors.group.Group;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.AlarmType;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;

/**
 * What a request would add is compared with this member's quota before anything else is looked at.
 * Where it does not fit, the member raises NOSPACE for itself and refuses, in this order (etcd's
 * api/v3rpc/quota.go).
 */
final class QuotaGuard {
  private final Group group;

  QuotaGuard(Group group) {
    this.group = group;
  }

  /**
   * @param costBytes as {@link io.kvorum.actors.apply.Quota} charges
   */
  <R> CompletionStage<Outcome<R>> within(
      long costBytes, Supplier<CompletionStage<Outcome<R>>> call) {
    if (group.hasRoomFor(costBytes)) {
      return call.get();
    }
    return group
        .alarms()
        .activate(group.member(), AlarmType.NOSPACE)
        .handle((raised, failure) -> Outcome.refused(EtcdError.NO_SPACE));
  }
}
