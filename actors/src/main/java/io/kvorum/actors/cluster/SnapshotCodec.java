package io.kvorum.actors.cluster;

import io.kvorum.actors.snapshot.SnapshotMessage;
import io.kvorum.protocol.internal.PeerEnvelope;
import io.kvorum.protocol.internal.PeerSnapshotAbort;
import io.kvorum.protocol.internal.PeerSnapshotAccept;
import io.kvorum.protocol.internal.PeerSnapshotAck;
import io.kvorum.protocol.internal.PeerSnapshotChunk;
import io.kvorum.protocol.internal.PeerSnapshotDone;
import io.kvorum.protocol.internal.PeerSnapshotOffer;
import io.kvorum.protocol.internal.PeerSnapshotVerified;

/** The messages of a snapshot's transfer in an envelope. */
final class SnapshotCodec {
  private SnapshotCodec() {}

  static void put(PeerEnvelope.Builder envelope, SnapshotMessage message) {
    long id = message.id();
    switch (message) {
      case SnapshotMessage.Offer m ->
          envelope
              .setTerm(m.term())
              .setSnapshotOffer(
                  PeerSnapshotOffer.newBuilder()
                      .setId(id)
                      .setAt(RaftCodec.position(m.at()))
                      .setEstimatedBytes(m.estimatedBytes()));
      case SnapshotMessage.Accept m ->
          envelope.setSnapshotAccept(
              PeerSnapshotAccept.newBuilder().setId(id).setFromChunk(m.fromChunk()));
      case SnapshotMessage.Chunk m ->
          envelope.setSnapshotChunk(
              PeerSnapshotChunk.newBuilder()
                  .setId(id)
                  .setNumber(m.number())
                  .setBytes(m.bytes())
                  .setCrc32C(m.crc32c()));
      case SnapshotMessage.Ack m ->
          envelope.setSnapshotAck(PeerSnapshotAck.newBuilder().setId(id).setUpTo(m.upTo()));
      case SnapshotMessage.Done m ->
          envelope.setSnapshotDone(
              PeerSnapshotDone.newBuilder().setId(id).setChunks(m.chunks()).setSha256(m.sha256()));
      case SnapshotMessage.Verified m ->
          envelope.setSnapshotVerified(PeerSnapshotVerified.newBuilder().setId(id));
      case SnapshotMessage.Abort m ->
          envelope.setSnapshotAbort(PeerSnapshotAbort.newBuilder().setId(id).setReason(m.reason()));
    }
  }

  /** The envelope must hold one of the transfer's bodies. */
  static SnapshotMessage get(PeerEnvelope envelope) {
    return switch (envelope.getBodyCase()) {
      case SNAPSHOT_OFFER -> {
        PeerSnapshotOffer m = envelope.getSnapshotOffer();
        yield new SnapshotMessage.Offer(
            m.getId(), envelope.getTerm(), RaftCodec.position(m.getAt()), m.getEstimatedBytes());
      }
      case SNAPSHOT_ACCEPT ->
          new SnapshotMessage.Accept(
              envelope.getSnapshotAccept().getId(), envelope.getSnapshotAccept().getFromChunk());
      case SNAPSHOT_CHUNK -> {
        PeerSnapshotChunk m = envelope.getSnapshotChunk();
        yield new SnapshotMessage.Chunk(m.getId(), m.getNumber(), m.getBytes(), m.getCrc32C());
      }
      case SNAPSHOT_ACK ->
          new SnapshotMessage.Ack(
              envelope.getSnapshotAck().getId(), envelope.getSnapshotAck().getUpTo());
      case SNAPSHOT_DONE -> {
        PeerSnapshotDone m = envelope.getSnapshotDone();
        yield new SnapshotMessage.Done(m.getId(), m.getChunks(), m.getSha256());
      }
      case SNAPSHOT_VERIFIED ->
          new SnapshotMessage.Verified(envelope.getSnapshotVerified().getId());
      case SNAPSHOT_ABORT ->
          new SnapshotMessage.Abort(
              envelope.getSnapshotAbort().getId(), envelope.getSnapshotAbort().getReason());
      default ->
          throw new IllegalArgumentException("no snapshot message: " + envelope.getBodyCase());
    };
  }
}
