package io.kvorum.actors.cluster;

import com.google.protobuf.ByteString;
import io.kvorum.actors.raft.RaftMessage;
import io.kvorum.actors.snapshot.SnapshotMessage;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.PeerRefusal;
import org.apache.pekko.remote.PriorityMessage;

/** One message between members, as the process sees it. The lane is told by its class. */
sealed interface PeerMessage {
  Header header();

  Body body();

  /**
   * Who says it to whom, and where.
   *
   * @param clusterId 0 where the sender belongs to none
   */
  record Header(String serverVersion, long clusterId, GroupId group, MemberId from, MemberId to) {}

  /**
   * Small and urgent: rides on Artery's control stream, which Pekko gives to priority messages,
   * past whatever waits on the other lanes.
   */
  record Urgent(Header header, Body body) implements PeerMessage, PriorityMessage {}

  /** Entries and what belongs to them, in order: Artery's ordinary stream. */
  record Ordinary(Header header, Body body) implements PeerMessage {}

  /** Pieces of snapshots: Artery's stream for large messages. */
  record Bulk(Header header, Body body) implements PeerMessage {}

  /** What is said. */
  sealed interface Body {}

  record Raft(RaftMessage message) implements Body {}

  record Snapshot(SnapshotMessage message) implements Body {}

  record Ping() implements Body {}

  record Refusal(PeerRefusal.Reason reason, String text) implements Body {}

  record Question(long number, ByteString body) implements Body {}

  record Answer(long number, ByteString body) implements Body {}

  record InfoRequest(long number) implements Body {}

  record InfoResponse(long number, PeerInfo info) implements Body {}

  /** From a newer version, in words that this one does not know. */
  record Unknown() implements Body {}

  static PeerMessage of(Header header, Body body) {
    return switch (body) {
      case Raft(RaftMessage.Append _), Raft(RaftMessage.Forward _) -> new Ordinary(header, body);
      case Raft(RaftMessage.Committed _) -> new Ordinary(header, body);
      case Raft(RaftMessage.Appended _), Raft(RaftMessage.AppendRejected _) ->
          new Ordinary(header, body);
      case Raft(RaftMessage.Refused _) -> new Ordinary(header, body);
      case Raft(RaftMessage _), Ping(), Refusal _, InfoRequest _, Unknown() ->
          new Urgent(header, body);
      case Snapshot _ -> new Bulk(header, body);
      case Question _, Answer _, InfoResponse _ -> new Ordinary(header, body);
    };
  }
}
