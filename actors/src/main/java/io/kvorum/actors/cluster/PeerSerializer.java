package io.kvorum.actors.cluster;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import io.kvorum.protocol.internal.PeerEnvelope;
import java.io.IOException;
import java.io.NotSerializableException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import org.apache.pekko.serialization.ByteBufferSerializer;
import org.apache.pekko.serialization.SerializerWithStringManifest;

/**
 * Writes {@link PeerMessage}s straight into Artery's buffers. Runs on Artery's threads, so that
 * encoding costs the replica nothing.
 */
public final class PeerSerializer extends SerializerWithStringManifest
    implements ByteBufferSerializer {
  private static final int IDENTIFIER = 0x4b76_6f72;
  private static final String MANIFEST = "e";

  @Override
  public int identifier() {
    return IDENTIFIER;
  }

  @Override
  public String manifest(Object message) {
    return MANIFEST;
  }

  @Override
  public byte[] toBinary(Object message) {
    return PeerCodec.encode((PeerMessage) message).toByteArray();
  }

  @Override
  public void toBinary(Object message, ByteBuffer buffer) {
    PeerEnvelope envelope = PeerCodec.encode((PeerMessage) message);
    try {
      CodedOutputStream out = CodedOutputStream.newInstance(buffer);
      envelope.writeTo(out);
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException("a peer message of " + envelope.getSerializedSize(), e);
    }
  }

  @Override
  public Object fromBinary(byte[] bytes, String manifest) throws NotSerializableException {
    return fromBinary(ByteBuffer.wrap(bytes), manifest);
  }

  @Override
  public Object fromBinary(ByteBuffer buffer, String manifest) throws NotSerializableException {
    try {
      return PeerCodec.decode(buffer);
    } catch (InvalidProtocolBufferException | IllegalArgumentException e) {
      throw new NotSerializableException("a peer message cannot be read: " + e.getMessage());
    }
  }
}
