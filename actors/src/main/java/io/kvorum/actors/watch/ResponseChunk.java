package io.kvorum.actors.watch;

import io.kvorum.protocol.etcdserverpb.WatchResponse;
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
}
