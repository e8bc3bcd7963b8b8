package io.kvorum.actors.cluster;

import com.google.protobuf.ByteString;
import io.kvorum.actors.raft.RaftMessage;
import io.kvorum.actors.snapshot.SnapshotMessage;
import io.kvorum.protocol.MemberId;
import java.util.concurrent.CompletionStage;

/** A group's ears. Called from threads of the network: must return at once. */
public interface PeerHandler {
  void raft(MemberId from, RaftMessage message);

  void snapshot(MemberId from, SnapshotMessage message);

  /**
   * Another member asks for something; the body is the group's own affair. An exceptional answer is
   * not sent, so that the asker's time runs out.
   */
  CompletionStage<ByteString> question(MemberId from, ByteString body);

  /** A peer says that this member was removed from the cluster: it must stop. */
  void removed(MemberId toldBy);

  /** Nothing was heard of a member for a while; what was sent to it may be lost. */
  void unreachable(MemberId member);
}
