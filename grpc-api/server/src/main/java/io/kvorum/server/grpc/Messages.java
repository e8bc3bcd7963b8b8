package io.kvorum.server.grpc;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.zip.GZIPInputStream;
import org.apache.pekko.util.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * Length-prefixed messages of gRPC over HTTP/2: one byte of flags, four bytes of length, the
 * message. Refusals carry the codes and texts of grpc-go, which clients of etcd know.
 */
final class Messages {
  static final int PREFIX_BYTES = 5;

  /**
   * As many levels as the deepest transaction that passes validation can have (two per nested txn
   * and at most 128 of them), with room to spare; protobuf's own default of 100 would refuse it.
   */
  private static final int NESTING_MAX = 300;

  private static final String GZIP = "gzip";
  private static final String IDENTITY = "identity";

  private Messages() {}

  /** A response message in its frame. */
  static ByteString frame(MessageLite message) {
    int size = message.getSerializedSize();
    if (size < 0 || size > Integer.MAX_VALUE - PREFIX_BYTES) {
      throw new RpcFailure(
          Status.RESOURCE_EXHAUSTED.withDescription(
              "grpc: trying to send message larger than max (2147483647)"));
    }
    byte[] framed = new byte[PREFIX_BYTES + size];
    ByteBuffer.wrap(framed).put((byte) 0).putInt(size);
    CodedOutputStream out = CodedOutputStream.newInstance(framed, PREFIX_BYTES, size);
    try {
      message.writeTo(out);
    } catch (IOException e) {
      throw new UncheckedIOException("a message did not fit its own size", e);
    }
    out.checkNoSpaceLeft();
    return ByteString.fromArrayUnsafe(framed);
  }

  /** The one message of a unary request that arrived whole. */
  static byte[] single(ByteString data, int maxBytes, @Nullable String encoding) {
    int length = data.size() - PREFIX_BYTES;
    if (length >= 0 && data.apply(0) == 0 && length(data) == length && length <= maxBytes) {
      byte[] message = new byte[length];
      data.drop(PREFIX_BYTES).copyToBuffer(ByteBuffer.wrap(message));
      return message;
    }
    MessageAssembler assembler = new MessageAssembler(maxBytes, encoding);
    SingleMessage only = new SingleMessage();
    assembler.feed(data, only);
    return only.atEnd(assembler);
  }

  private static int length(ByteString data) {
    return (data.apply(1) & 0xff) << 24
        | (data.apply(2) & 0xff) << 16
        | (data.apply(3) & 0xff) << 8
        | (data.apply(4) & 0xff);
  }

  /**
   * Parses a message; its byte fields are views of {@code bytes}, which must not be written
   * afterwards.
   */
  static <Q> Q parse(Parser<Q> parser, byte[] bytes) throws InvalidProtocolBufferException {
    CodedInputStream in = UnsafeByteOperations.unsafeWrap(bytes).newCodedInput();
    in.enableAliasing(true);
    in.setRecursionLimit(NESTING_MAX);
    Q message = parser.parseFrom(in);
    in.checkLastTagWas(0);
    return message;
  }

  static void checkEncoding(@Nullable String encoding) {
    if (encoding != null && !encoding.equals(IDENTITY) && !encoding.equals(GZIP)) {
      throw new RpcFailure(
          Status.UNIMPLEMENTED.withDescription(
              "grpc: Decompressor is not installed for grpc-encoding \"" + encoding + '"'));
    }
  }

  /** A payload as its flag byte and the call's encoding say. */
  static byte[] decoded(byte flags, byte[] payload, int maxBytes, @Nullable String encoding) {
    switch (flags) {
      case 0 -> {
        return payload;
      }
      case 1 -> {
        if (encoding == null || encoding.isEmpty() || encoding.equals(IDENTITY)) {
          throw new RpcFailure(
              Status.INTERNAL.withDescription(
                  "grpc: compressed flag set with identity or empty encoding"));
        }
        checkEncoding(encoding);
        return gunzip(payload, maxBytes);
      }
      default ->
          throw new RpcFailure(
              Status.INTERNAL.withDescription(
                  "grpc: received unexpected payload format " + (flags & 0xff)));
    }
  }

  /** Never expands beyond {@code maxBytes} plus one, whatever the payload claims. */
  private static byte[] gunzip(byte[] payload, int maxBytes) {
    byte[] message;
    try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(payload))) {
      message = in.readNBytes(maxBytes + 1);
    } catch (IOException e) {
      throw new RpcFailure(
          Status.INTERNAL.withDescription(
              "grpc: failed to decompress the message: " + e.getMessage()));
    }
    if (message.length > maxBytes) {
      throw new RpcFailure(
          Status.RESOURCE_EXHAUSTED.withDescription(
              "grpc: received message after decompression larger than max " + maxBytes));
    }
    return message;
  }
}
