package io.kvorum.actors.cluster;

import com.google.protobuf.ByteString;
import io.kvorum.actors.raft.Ports;
import io.kvorum.actors.snapshot.SnapshotChannel;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletionStage;

/** One group's way to its other members. Any thread. */
public interface GroupPeers extends Ports.RaftTransport, SnapshotChannel, AutoCloseable {

  /**
   * How well a member is heard.
   *
   * @param connected whether something was heard of it lately
   * @param connectedFor since when without a pause; zero while it is not
   * @param serverVersion what it last said to run, empty if it was never heard
   */
  record Link(boolean connected, Duration connectedFor, String serverVersion) {}

  /** The addresses follow the membership; who was removed is told so when it speaks. */
  void members(Membership membership);

  /** A link for each of the other members. */
  Map<MemberId, Link> links();

  /**
   * Asks another member; see {@link PeerHandler#question}. Fails with {@link
   * java.util.concurrent.TimeoutException} when no answer came in time.
   */
  CompletionStage<ByteString> ask(MemberId to, ByteString question, Duration timeout);

  /** Hears and sends nothing any more. */
  @Override
  void close();
}
