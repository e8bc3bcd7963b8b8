package io.kvorum.server.grpc;

import com.google.protobuf.MessageLite;
import io.grpc.Status;
import org.apache.pekko.util.ByteString;

/** For methods that put their answers into bytes themselves. */
public final class Framing {
  /** What stands before a message: a byte of flags, four bytes of length. */
  public static final int PREFIX_BYTES = Messages.PREFIX_BYTES;

  /** No frame holds a longer message (grpc-go's default limit, which is etcd's). */
  public static final long MAX_MESSAGE_BYTES = Integer.MAX_VALUE;

  private Framing() {}

  /** A message in its frame. */
  public static ByteString frame(MessageLite message) {
    return Messages.frame(message);
  }

  /**
   * Writes the prefix of a message, in the four bytes of length unsigned.
   *
   * @throws RpcFailure in grpc-go's words if no frame can hold the message
   */
  public static void putPrefix(byte[] bytes, int at, long messageBytes) {
    requireSendable(messageBytes);
    bytes[at] = 0;
    bytes[at + 1] = (byte) (messageBytes >>> 24);
    bytes[at + 2] = (byte) (messageBytes >>> 16);
    bytes[at + 3] = (byte) (messageBytes >>> 8);
    bytes[at + 4] = (byte) messageBytes;
  }

  /**
   * @throws RpcFailure in grpc-go's words if no frame can hold such a message
   */
  public static void requireSendable(long messageBytes) {
    if (messageBytes > MAX_MESSAGE_BYTES) {
      throw new RpcFailure(
          Status.RESOURCE_EXHAUSTED.withDescription(
              "grpc: trying to send message larger than max (%d vs. %d)"
                  .formatted(messageBytes, MAX_MESSAGE_BYTES)));
    }
  }
}
