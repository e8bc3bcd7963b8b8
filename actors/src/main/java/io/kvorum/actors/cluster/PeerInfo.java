package io.kvorum.actors.cluster;

import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;

/**
 * Who runs at an address.
 *
 * @param bootstrapped false while the process has no group; the identity is of no meaning then
 * @param clusterId unsigned
 * @param membership as that member has it
 * @param serverVersion of etcd's API, such as 3.7.1
 */
public record PeerInfo(
    boolean bootstrapped,
    long clusterId,
    MemberId member,
    Membership membership,
    String serverVersion) {

  /** Of a process that belongs to no cluster yet. */
  public static PeerInfo notBootstrapped(String serverVersion) {
    return new PeerInfo(false, 0, MemberId.NONE, Membership.getDefaultInstance(), serverVersion);
  }
}
