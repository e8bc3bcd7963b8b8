package io.kvorum.verification.benchmark.wire;

import java.nio.ByteBuffer;

/** Writes one gRPC message body. Called for each request, on the event loop. */
@FunctionalInterface
public interface Messages {
  /** The largest message a source may write, prefix included. */
  int MAX_BYTES = 4096;

  /** Appends the protobuf bytes of the next request at the buffer's position. */
  void writeNext(ByteBuffer out);
}
