package io.kvorum.actors.group;

import io.kvorum.actors.apply.AppliedIndex;
import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;

/**
 * Headers of this member's answers: of the member that answers, not of the leader, with the term of
 * the newest entry that it has applied, as in etcd.
 */
record ResponseHeaders(LogIdentity identity, AppliedIndex applied) {
  ResponseHeader at(long revision) {
    return ResponseHeader.newBuilder()
        .setClusterId(identity.clusterId())
        .setMemberId(identity.member().value())
        .setRevision(revision)
        .setRaftTerm(applied.get().term())
        .build();
  }
}
