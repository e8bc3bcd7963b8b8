package io.kvorum.actors.group;

import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.etcdserverpb.Member;
import java.util.List;

/**
 * How a group stands, as this member sees it.
 *
 * @param leader {@link MemberId#NONE} while none is known
 * @param term of the newest entry this member has applied
 * @param clusterVersion for example {@code 3.7.0}; empty until decided
 * @param downgradeTarget for example {@code 3.6.0}; empty while no downgrade is enabled
 * @param members ascending by id
 * @param dbSizeBytes logical size of what is stored, history included
 * @param dbSizeInUseBytes of it, what is still reachable
 */
public record GroupStatus(
    MemberId member,
    long clusterId,
    MemberId leader,
    long term,
    long committedIndex,
    long appliedIndex,
    boolean learner,
    long currentRevision,
    String clusterVersion,
    String downgradeTarget,
    List<Member> members,
    long dbSizeBytes,
    long dbSizeInUseBytes) {}
