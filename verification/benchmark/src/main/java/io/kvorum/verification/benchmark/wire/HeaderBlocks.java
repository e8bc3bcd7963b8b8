package io.kvorum.verification.benchmark.wire;

import io.grpc.netty.shaded.io.netty.buffer.Unpooled;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2Exception;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Header blocks of RFC 7541 for one method on one connection. The first request writes its fields
 * out and enters them into the server's table, as real clients do; each later one is six bytes that
 * refer to them.
 */
final class HeaderBlocks {
  private static final int INDEXED = 0x80;
  private static final int ENTERED_IN_TABLE = 0x40;

  // indices of the protocol's fixed table
  private static final int AUTHORITY = 1;
  private static final int METHOD_POST = 3;
  private static final int PATH = 4;
  private static final int SCHEME_HTTP = 6;
  private static final int CONTENT_TYPE = 31;
  // entries of the table after the first request, the newest with the lowest index
  private static final int FIRST_ENTRY = 62;
  private static final int ENTRIES = 4;

  private HeaderBlocks() {}

  static byte[] firstRequest(String path, String authority) {
    var block = ByteBuffer.allocate(64 + path.length() + authority.length());
    block.put((byte) (INDEXED | METHOD_POST)).put((byte) (INDEXED | SCHEME_HTTP));
    block.put((byte) (ENTERED_IN_TABLE | PATH));
    text(block, path);
    block.put((byte) (ENTERED_IN_TABLE | AUTHORITY));
    text(block, authority);
    block.put((byte) (ENTERED_IN_TABLE | CONTENT_TYPE));
    text(block, "application/grpc");
    block.put((byte) ENTERED_IN_TABLE);
    text(block, "te");
    text(block, "trailers");
    return bytes(block);
  }

  static byte[] laterRequest() {
    var block = ByteBuffer.allocate(2 + ENTRIES);
    block.put((byte) (INDEXED | METHOD_POST)).put((byte) (INDEXED | SCHEME_HTTP));
    for (int entry = ENTRIES - 1; entry >= 0; entry--)
      block.put((byte) (INDEXED | FIRST_ENTRY + entry));
    return bytes(block);
  }

  /** The gRPC status in a block that ends a call, with its text when it is not 0. */
  static String status(byte[] block) {
    try {
      // no state between blocks: we allow the server no table
      var headers =
          new DefaultHttp2HeadersDecoder(false).decodeHeaders(1, Unpooled.wrappedBuffer(block));
      var status = headers.get("grpc-status");
      if (status == null) return "no grpc-status in " + headers;
      return "0".contentEquals(status) ? OK : status + " " + headers.get("grpc-message");
    } catch (Http2Exception e) {
      throw new IllegalStateException("the server's header block cannot be read", e);
    }
  }

  static final String OK = "0";

  private static void text(ByteBuffer block, String text) {
    if (text.length() > 126) throw new IllegalArgumentException("too long: " + text);
    block.put((byte) text.length()).put(text.getBytes(StandardCharsets.US_ASCII));
  }

  private static byte[] bytes(ByteBuffer block) {
    var bytes = new byte[block.flip().remaining()];
    block.get(bytes);
    return bytes;
  }
}
