package io.kvorum.actors.group;

import com.google.protobuf.ByteString;
import io.kvorum.actors.raft.Ports;
import io.kvorum.actors.raft.RaftMessage;
import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletionStage;

/** The way to other members, as a group needs it. Safe for any thread; nothing here blocks. */
public interface Peers {

  /**
   * What a server says of itself to whoever asks, also before it serves.
   *
   * @param serverVersion for example {@code 3.7.1}
   * @param clusterId 0 if it has no log yet
   * @param membership as far as it has applied its log; without members if it has not
   */
  record Description(String serverVersion, long clusterId, Membership membership) {}

  /** Asks whoever listens at a peer URL. Fails if there is no answer in time. */
  CompletionStage<Description> ask(String peerUrl, Duration timeout);

  /** Takes part in a group: messages come in from now on, and can be sent. */
  Link join(LogIdentity identity, Inbox inbox);

  /** What comes from peers of the same cluster. Called on any thread; must not block. */
  interface Inbox {
    void received(MemberId from, RaftMessage message);

    /** A connection to this member broke. */
    void unreachable(MemberId member);

    /** A member of the cluster says that this one was removed from it. */
    void removed();

    /** Answers a question asked by {@link Link#request}. */
    CompletionStage<ByteString> answer(MemberId from, ByteString question);
  }

  /** A group's connections. */
  interface Link extends Ports.RaftTransport {
    /** Whom to know from now on, and what to tell those who ask. */
    void members(Membership membership);

    /**
     * Since when this member hears the other one without a break, as {@link System#nanoTime};
     * empty while it does not.
     */
    OptionalLong connectedSinceNanos(MemberId member);

    /** The version of the server that the member runs, once it was heard. */
    Optional<String> serverVersion(MemberId member);

    /** Asks a member a question of at most a few kilobytes. */
    CompletionStage<ByteString> request(MemberId to, ByteString question, Duration timeout);

    void close();
  }
}
