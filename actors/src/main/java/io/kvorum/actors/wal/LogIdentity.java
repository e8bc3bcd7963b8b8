package io.kvorum.actors.wal;

import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.MemberId;

/**
 * Whose log it is.
 *
 * @param clusterId unsigned, see etcd's cluster id (SHA-1 over the initial members)
 * @param clusterToken {@code --initial-cluster-token} at bootstrap
 */
public record LogIdentity(GroupId group, long clusterId, MemberId member, String clusterToken) {}
