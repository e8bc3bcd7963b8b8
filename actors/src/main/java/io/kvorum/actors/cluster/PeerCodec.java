package io.kvorum.actors.cluster;

import com.google.protobuf.InvalidProtocolBufferException;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.PeerAnswer;
import io.kvorum.protocol.internal.PeerEnvelope;
import io.kvorum.protocol.internal.PeerInfoRequest;
import io.kvorum.protocol.internal.PeerInfoResponse;
import io.kvorum.protocol.internal.PeerPing;
import io.kvorum.protocol.internal.PeerQuestion;
import io.kvorum.protocol.internal.PeerRefusal;
import java.nio.ByteBuffer;

/** Between messages and their bytes on the wire. */
final class PeerCodec {
  /**
   * Raised when an older process would misunderstand what a newer one says; both must then still
   * speak the older one until the cluster version has moved.
   */
  static final int PROTOCOL = 1;

  private PeerCodec() {}

  static PeerEnvelope encode(PeerMessage message) {
    PeerMessage.Header header = message.header();
    PeerEnvelope.Builder envelope =
        PeerEnvelope.newBuilder()
            .setProtocol(PROTOCOL)
            .setServerVersion(header.serverVersion())
            .setClusterId(header.clusterId())
            .setGroupId(header.group().value())
            .setFrom(header.from().value())
            .setTo(header.to().value());
    switch (message.body()) {
      case PeerMessage.Raft(var raft) -> RaftCodec.put(envelope, raft);
      case PeerMessage.Snapshot(var snapshot) -> SnapshotCodec.put(envelope, snapshot);
      case PeerMessage.Ping() -> envelope.setPing(PeerPing.getDefaultInstance());
      case PeerMessage.Refusal(var reason, var text) ->
          envelope.setRefusal(PeerRefusal.newBuilder().setReason(reason).setText(text));
      case PeerMessage.Question(var number, var body) ->
          envelope.setQuestion(PeerQuestion.newBuilder().setNumber(number).setBody(body));
      case PeerMessage.Answer(var number, var body) ->
          envelope.setAnswer(PeerAnswer.newBuilder().setNumber(number).setBody(body));
      case PeerMessage.InfoRequest(var number) ->
          envelope.setInfoRequest(PeerInfoRequest.newBuilder().setNumber(number));
      case PeerMessage.InfoResponse(var number, var info) ->
          envelope.setInfoResponse(
              PeerInfoResponse.newBuilder()
                  .setNumber(number)
                  .setBootstrapped(info.bootstrapped())
                  .setClusterId(info.clusterId())
                  .setMemberId(info.member().value())
                  .setMembership(info.membership()));
      case PeerMessage.Unknown() -> throw new IllegalArgumentException("nothing to say");
    }
    return envelope.build();
  }

  /**
   * @throws InvalidProtocolBufferException if these are no bytes of an envelope
   */
  static PeerMessage decode(ByteBuffer bytes) throws InvalidProtocolBufferException {
    PeerEnvelope envelope = PeerEnvelope.parseFrom(bytes);
    PeerMessage.Header header =
        new PeerMessage.Header(
            envelope.getServerVersion(),
            envelope.getClusterId(),
            new GroupId(envelope.getGroupId()),
            new MemberId(envelope.getFrom()),
            new MemberId(envelope.getTo()));
    try {
      return PeerMessage.of(header, body(envelope));
    } catch (IllegalArgumentException e) {
      // Such as an entry of a kind that only a newer version knows.
      return PeerMessage.of(header, new PeerMessage.Unknown());
    }
  }

  private static PeerMessage.Body body(PeerEnvelope envelope) {
    if (envelope.getProtocol() != PROTOCOL) {
      return new PeerMessage.Unknown();
    }
    return switch (envelope.getBodyCase()) {
      case VOTE_REQUEST,
          VOTE_RESPONSE,
          APPEND,
          APPENDED,
          APPEND_REJECTED,
          HEARTBEAT,
          COMMITTED,
          HEARTBEAT_RESPONSE,
          FORWARD,
          READ_INDEX_REQUEST,
          READ_INDEX_RESPONSE,
          TIMEOUT_NOW,
          PROPOSALS_REFUSED ->
          new PeerMessage.Raft(RaftCodec.get(envelope));
      case SNAPSHOT_OFFER,
          SNAPSHOT_ACCEPT,
          SNAPSHOT_CHUNK,
          SNAPSHOT_ACK,
          SNAPSHOT_DONE,
          SNAPSHOT_VERIFIED,
          SNAPSHOT_ABORT ->
          new PeerMessage.Snapshot(SnapshotCodec.get(envelope));
      case PING -> new PeerMessage.Ping();
      case REFUSAL ->
          new PeerMessage.Refusal(
              envelope.getRefusal().getReason(), envelope.getRefusal().getText());
      case QUESTION ->
          new PeerMessage.Question(
              envelope.getQuestion().getNumber(), envelope.getQuestion().getBody());
      case ANSWER ->
          new PeerMessage.Answer(envelope.getAnswer().getNumber(), envelope.getAnswer().getBody());
      case INFO_REQUEST -> new PeerMessage.InfoRequest(envelope.getInfoRequest().getNumber());
      case INFO_RESPONSE -> {
        PeerInfoResponse info = envelope.getInfoResponse();
        yield new PeerMessage.InfoResponse(
            info.getNumber(),
            new PeerInfo(
                info.getBootstrapped(),
                info.getClusterId(),
                new MemberId(info.getMemberId()),
                info.getMembership(),
                envelope.getServerVersion()));
      }
      case BODY_NOT_SET -> new PeerMessage.Unknown();
    };
  }
}
