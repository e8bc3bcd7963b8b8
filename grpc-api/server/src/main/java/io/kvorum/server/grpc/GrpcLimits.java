package io.kvorum.server.grpc;

/**
 * Bounds of a call.
 *
 * @param maxReceiveBytes largest request message, compressed or not
 * @param warnUnaryNanos a unary call that takes longer is logged
 */
public record GrpcLimits(int maxReceiveBytes, long warnUnaryNanos) {
  public GrpcLimits {
    if (maxReceiveBytes <= 0 || maxReceiveBytes == Integer.MAX_VALUE) {
      throw new IllegalArgumentException("maxReceiveBytes out of range: " + maxReceiveBytes);
    }
  }
}
