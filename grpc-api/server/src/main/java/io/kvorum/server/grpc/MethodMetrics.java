package io.kvorum.server.grpc;

import io.grpc.Status;

/** What is counted of one method's calls. Called from any thread, several times per call. */
public interface MethodMetrics {
  /** A call began; its first request message could be read. */
  void started();

  /** A request message of {@code bytes} was read. */
  void received(int bytes);

  /** Response messages of {@code bytes} together are on their way. */
  void sent(int messages, int bytes);

  /** The call is over. */
  void handled(Status.Code code, long elapsedNanos);
}
