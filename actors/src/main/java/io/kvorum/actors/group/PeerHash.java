package io.kvorum.actors.group;

import io.kvorum.persistence.mvcc.KeyValueHash;
import io.kvorum.protocol.MemberId;

/**
 * What a member says that it holds.
 *
 * @param currentRevision of that member, when it answered
 */
record PeerHash(MemberId member, KeyValueHash hash, long currentRevision) {}
