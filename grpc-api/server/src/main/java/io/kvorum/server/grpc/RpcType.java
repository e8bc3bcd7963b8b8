package io.kvorum.server.grpc;

import com.google.protobuf.Descriptors.MethodDescriptor;

/** Which sides of a call are streams; the labels are those of the gRPC metrics. */
public enum RpcType {
  UNARY("unary"),
  CLIENT_STREAM("client_stream"),
  SERVER_STREAM("server_stream"),
  BIDI_STREAM("bidi_stream");

  private final String label;

  RpcType(String label) {
    this.label = label;
  }

  public String label() {
    return label;
  }

  static RpcType of(MethodDescriptor method) {
    if (method.isClientStreaming()) {
      return method.isServerStreaming() ? BIDI_STREAM : CLIENT_STREAM;
    }
    return method.isServerStreaming() ? SERVER_STREAM : UNARY;
  }
}
