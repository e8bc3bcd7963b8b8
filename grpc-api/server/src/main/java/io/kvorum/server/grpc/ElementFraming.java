package io.kvorum.server.grpc;

import com.google.protobuf.MessageLite;
import java.util.function.Function;
import org.apache.pekko.util.ByteString;

/** How an element of a source of responses goes onto the wire. */
@FunctionalInterface
public interface ElementFraming<R> {

  /**
   * Messages in their frames, one behind the other.
   *
   * @param count how many
   */
  record Frames(ByteString bytes, int count) {
    /** Of all messages together, without what stands before each. */
    int messageBytes() {
      return bytes.size() - count * Messages.PREFIX_BYTES;
    }
  }

  /**
   * @throws RpcFailure for what cannot be sent
   */
  Frames frames(R element);

  /** Each element is a message. */
  static <R extends MessageLite> ElementFraming<R> ofMessages() {
    return oneEach(Messages::frame);
  }

  /** Each element is put into one frame. */
  static <R> ElementFraming<R> oneEach(Function<R, ByteString> framed) {
    return element -> new Frames(framed.apply(element), 1);
  }
}
