package io.kvorum.server;

import io.grpc.Status;
import io.kvorum.server.grpc.MethodMetrics;
import io.kvorum.server.grpc.MethodName;
import io.kvorum.server.grpc.RpcType;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Counts by name, such as {@code etcdserverpb.KV/Put handled OK}. */
final class RecordingMetrics implements RpcMetrics {
  private final Map<String, Long> counts = new ConcurrentHashMap<>();

  long count(String what) {
    return counts.getOrDefault(what, 0L);
  }

  private void add(String what, long n) {
    counts.merge(what, n, Long::sum);
  }

  @Override
  public MethodMetrics method(MethodName name, RpcType type) {
    return new MethodMetrics() {
      @Override
      public void started() {
        add(name + " started", 1);
      }

      @Override
      public void received(int bytes) {
        add(name + " received", 1);
        add(name + " received bytes", bytes);
      }

      @Override
      public void sent(int messages, int bytes) {
        add(name + " sent", messages);
        add(name + " sent bytes", bytes);
      }

      @Override
      public void handled(Status.Code code, long elapsedNanos) {
        add(name + " handled " + code, 1);
      }
    };
  }

  @Override
  public void clientRequest(RpcType type, String clientApiVersion) {
    add("client " + type + " " + clientApiVersion, 1);
  }

  @Override
  public void rangeExecuted(boolean success, long elapsedNanos) {
    add("range " + success, 1);
  }

  @Override
  public void readAnswered(ReadKind kind, boolean success, long elapsedNanos) {
    add("read " + kind + " " + success, 1);
  }

  @Override
  public void healthAnswered(boolean healthy) {
    add("health " + healthy, 1);
  }

  @Override
  public void checkRan(String page, String check, boolean success) {
    add(page + " " + check + " " + success, 1);
  }
}
