package io.kvorum.server;

import io.kvorum.server.grpc.MethodMetrics;
import io.kvorum.server.grpc.MethodName;
import io.kvorum.server.grpc.RpcType;

/** What the client port counts. Called from any thread, on the hot path. */
public interface RpcMetrics {
  /** Resolved once per method, when the server is built. */
  MethodMetrics method(MethodName name, RpcType type);

  /** A call began; the version is the client's metadata, or {@code unknown}. */
  void clientRequest(RpcType type, String clientApiVersion);

  /** A range was read. */
  void rangeExecuted(boolean success, long elapsedNanos);

  /** A read was answered, its wait for linearizability included; type as etcd labels it. */
  void readAnswered(ReadKind kind, boolean success, long elapsedNanos);

  /** {@code /health} was answered. */
  void healthAnswered(boolean healthy);

  /** A check of {@code /livez} or {@code /readyz} ran. */
  void checkRan(String page, String check, boolean success);

  /** Reads that etcd times at its API. */
  enum ReadKind {
    RANGE("Range"),
    READ_ONLY_TXN("ReadonlyTxn");

    private final String label;

    ReadKind(String label) {
      this.label = label;
    }

    public String label() {
      return label;
    }
  }
}
