package io.kvorum.actors.lease;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import java.util.concurrent.CompletableFuture;

/**
 * What a leader is asked about a lease. Refused with {@link EtcdError#NOT_LEADER} where another
 * member is to be asked, now or soon.
 */
public sealed interface LeaseCall {
  long lease();

  /** Answered with the TTL in seconds; 0 if there is no such lease, or its time was up. */
  record Renew(long lease, CompletableFuture<Outcome<Long>> reply) implements LeaseCall {
    @Override
    public void refuse(EtcdError error) {
      reply.complete(Outcome.refused(error));
    }
  }

  record TimeToLive(long lease, CompletableFuture<Outcome<TimeLeft>> reply) implements LeaseCall {
    @Override
    public void refuse(EtcdError error) {
      reply.complete(Outcome.refused(error));
    }
  }

  void refuse(EtcdError error);
}
