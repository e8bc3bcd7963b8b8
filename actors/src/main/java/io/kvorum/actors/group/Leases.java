package io.kvorum.actors.group;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.LeaseGrantResponse;
import io.kvorum.protocol.etcdserverpb.LeaseRevokeResponse;
import java.util.List;
import java.util.concurrent.CompletionStage;

/**
 * Leases of a group, from any of its members. Of a response's header only the revision is set. Safe
 * for any thread; nothing here blocks.
 */
public interface Leases {

  /**
   * What is left of a lease.
   *
   * @param seconds whole ones; 0 or below if its time is up and it is about to go; -1 if there is
   *     no such lease
   * @param grantedSeconds 0 if there is no such lease
   * @param keys attached to it, ascending, if they were asked for
   */
  record TimeToLive(long seconds, long grantedSeconds, List<ByteString> keys) {}

  /**
   * @param ttlSeconds raised to the least that the server allows
   * @param id 0 for one that the server chooses
   */
  CompletionStage<Outcome<LeaseGrantResponse.Builder>> grant(long ttlSeconds, long id);

  CompletionStage<Outcome<LeaseRevokeResponse.Builder>> revoke(long id);

  /**
   * Gives a lease all of its TTL again.
   *
   * @return the TTL in seconds; 0 if there is no such lease, or its time was up
   */
  CompletionStage<Outcome<Long>> renew(long id);

  CompletionStage<Outcome<TimeToLive>> timeToLive(long id, boolean keys);

  /** The leases that this member knows, in the order of their end as far as it is known here. */
  CompletionStage<List<Long>> list();
}
