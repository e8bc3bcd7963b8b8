package io.kvorum.verification.benchmark.wire;

import java.nio.ByteBuffer;

/** Writes one gRPC message body. Called for each request, on the event loop. */
@FunctionalInterface
public interface Messages {
  /** The largest message that a source writes unless it says otherwise, prefix included. */
  int MAX_BYTES = 4096;

  /** The largest message that this one writes, prefix included; fits into one frame. */
  default int maxBytes() {
    return MAX_BYTES;
  }

  /** Appends the protobuf bytes of the next request at the buffer's position. */
  void writeNext(ByteBuffer out);
}
