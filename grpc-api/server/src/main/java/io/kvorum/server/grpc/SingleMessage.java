package io.kvorum.server.grpc;

import io.grpc.Status;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Holds the one message that a unary request must consist of. */
final class SingleMessage implements Consumer<byte[]> {
  private byte @Nullable [] message;

  @Override
  public void accept(byte[] next) {
    if (message != null) {
      throw new RpcFailure(
          Status.INTERNAL.withDescription(
              "grpc: received more than one message of a unary request"));
    }
    message = next;
  }

  /** The message, now that the request has ended; the texts of its absence are grpc-go's. */
  byte[] atEnd(MessageAssembler assembler) {
    if (!assembler.betweenMessages()) {
      throw new RpcFailure(Status.UNKNOWN.withDescription("unexpected EOF"));
    }
    if (message == null) {
      throw new RpcFailure(Status.UNKNOWN.withDescription("EOF"));
    }
    return message;
  }
}
