package io.kvorum.actors.group;

import io.kvorum.actors.cluster.GroupPeers;
import io.kvorum.actors.cluster.PeerHandler;
import io.kvorum.actors.cluster.PeerInfo;
import io.kvorum.actors.wal.LogIdentity;
import java.time.Duration;
import java.util.concurrent.CompletionStage;

/**
 * The way to other members, as a group needs it before and when it takes part. Safe for any thread;
 * nothing here blocks.
 */
public interface Peers {

  /** Asks whoever listens at a peer URL who it is. Fails if there is no answer in time. */
  CompletionStage<PeerInfo> ask(String peerUrl, Duration timeout);

  /** Takes part in a group: messages come in from now on, and can be sent. */
  GroupPeers join(LogIdentity identity, PeerHandler handler);
}
