package io.kvorum.server.grpc;

/** A method's full name, {@code etcdserverpb.KV} and {@code Range}. */
public record MethodName(String service, String method) {
  /** As clients and errors write it: {@code etcdserverpb.KV/Range}. */
  @Override
  public String toString() {
    return service + "/" + method;
  }
}
