package io.kvorum.actors.watch;

import com.google.protobuf.InvalidProtocolBufferException;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.pekko.util.ByteString;

/**
 * Responses that go to a client in one piece.
 *
 * @param bytes encoded, each behind five bytes: a zero and its length in big endian, which is how
 *     gRPC sets a message apart that is not compressed
 * @param responses how many there are
 */
public record ResponseChunk(ByteString bytes, int responses) {
  /** What stands before each response. */
  public static final int PREFIX_BYTES = 5;

  /** One response. */
  public static ResponseChunk of(WatchResponse response) {
    var writer = ResponseWriter.begin();
    writer.add(response);
    return writer.end();
  }

  /** The responses again, for who is not at the other end of a wire. */
  public List<WatchResponse> read() {
    List<WatchResponse> read = new ArrayList<>(responses);
    ByteBuffer rest = bytes.asByteBuffer();
    while (rest.hasRemaining()) {
      rest.get();
      int length = rest.getInt();
      try {
        read.add(WatchResponse.parseFrom(rest.slice(rest.position(), length)));
      } catch (InvalidProtocolBufferException e) {
        throw new IllegalStateException("a response that was written cannot be read", e);
      }
      rest.position(rest.position() + length);
    }
    return read;
  }
}
