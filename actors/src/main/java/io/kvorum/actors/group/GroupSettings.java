package io.kvorum.actors.group;

import io.kvorum.actors.raft.RaftSettings;
import io.kvorum.protocol.GroupId;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * What a member is told about a group when it starts.
 *
 * @param memberName this member's name in {@code initialCluster}
 * @param initialCluster peer URLs by member name; for a log that is still empty
 * @param clusterToken {@code --initial-cluster-token}
 * @param clusterTokenGiven whether the operator named the token: then a log of another cluster is
 *     refused
 * @param clientUrls published to the cluster
 * @param tick length of raft's unit of time
 * @param requestTimeout how long a proposal or a read index may take
 * @param maxRequestBytes largest encoded proposal
 * @param syncEntries the keyspace is made durable after this many applied entries
 * @param warnApply a batch of entries that takes longer to apply is logged
 * @param watchProgressInterval between progress notifications of an idle watch
 */
public record GroupSettings(
    GroupId group,
    String memberName,
    Map<String, List<String>> initialCluster,
    String clusterToken,
    boolean clusterTokenGiven,
    List<String> clientUrls,
    RaftSettings raft,
    Duration tick,
    Duration requestTimeout,
    int maxRequestBytes,
    long syncEntries,
    Duration warnApply,
    Duration watchProgressInterval) {}
