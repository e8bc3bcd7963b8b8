package io.kvorum.server.grpc;

import io.grpc.Status;
import org.jspecify.annotations.Nullable;

/** Decides, before a call reaches its method, whether it may. */
@FunctionalInterface
public interface CallGuard {
  /**
   * The refusal, or null where the call may go on.
   *
   * @param servedByLearner whether a member without a vote may answer this very request
   */
  @Nullable Status refusal(CallHeaders headers, RpcType type, boolean servedByLearner);
}
