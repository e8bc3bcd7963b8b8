package io.kvorum.server;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.pekko.http.shaded.com.twitter.hpack.Decoder;

/**
 * HTTP/2 frame by frame, to send what no proper client sends. Headers go out as literals; windows
 * are not kept, so answers must stay below 64 KiB.
 */
final class RawHttp2 implements AutoCloseable {
  static final int DATA = 0;
  static final int HEADERS = 1;
  static final int RST_STREAM = 3;
  static final int SETTINGS = 4;
  static final int PING = 6;
  static final int GOAWAY = 7;
  static final int CONTINUATION = 9;
  static final int END_STREAM = 1;
  static final int END_HEADERS = 4;
  private static final int ACK = 1;
  private static final int READ_TIMEOUT_MILLIS = 20_000;

  /** A frame as read. */
  record Frame(int type, int flags, int stream, byte[] payload) {}

  /** What one stream was answered: all headers, trailers among them, all data, and how it ended. */
  record Answer(Map<String, String> headers, byte[] data, int resetCode) {
    /** {@code 3: text}, the gRPC status. */
    String status() {
      return headers.get("grpc-status")
          + ": "
          + URLDecoder.decode(
              headers.getOrDefault("grpc-message", "").replace("+", "%2B"), StandardCharsets.UTF_8);
    }
  }

  private final Socket socket;
  private final OutputStream out;
  private final DataInputStream in;
  private final Decoder decoder = new Decoder(1 << 20, 4096);

  RawHttp2(int port) throws IOException {
    socket = new Socket("127.0.0.1", port);
    socket.setSoTimeout(READ_TIMEOUT_MILLIS);
    socket.setTcpNoDelay(true);
    out = socket.getOutputStream();
    in = new DataInputStream(socket.getInputStream());
    out.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    frame(SETTINGS, 0, 0, new byte[0]);
  }

  void frame(int type, int flags, int stream, byte[] payload) throws IOException {
    ByteBuffer frame = ByteBuffer.allocate(9 + payload.length);
    frame.put((byte) (payload.length >> 16)).putShort((short) payload.length);
    frame.put((byte) type).put((byte) flags).putInt(stream).put(payload);
    out.write(frame.array());
    out.flush();
  }

  /** The headers of a gRPC request, with more pairs after them. */
  void request(int stream, String path, String... more) throws IOException {
    String[] all = new String[10 + more.length];
    String[] usual = {
      ":method",
      "POST",
      ":scheme",
      "http",
      ":path",
      path,
      "content-type",
      "application/grpc",
      "te",
      "trailers"
    };
    System.arraycopy(usual, 0, all, 0, usual.length);
    System.arraycopy(more, 0, all, usual.length, more.length);
    headers(stream, END_HEADERS, all);
  }

  void headers(int stream, int flags, String... pairs) throws IOException {
    frame(HEADERS, flags, stream, literals(pairs));
  }

  static byte[] literals(String... pairs) {
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    for (int i = 0; i < pairs.length; i += 2) {
      block.write(0);
      string(block, pairs[i].getBytes(StandardCharsets.UTF_8));
      string(block, pairs[i + 1].getBytes(StandardCharsets.ISO_8859_1));
    }
    return block.toByteArray();
  }

  /** RFC 7541, 5.2: a length with a prefix of seven bits, then plain bytes. */
  private static void string(ByteArrayOutputStream block, byte[] bytes) {
    int length = bytes.length;
    if (length < 127) {
      block.write(length);
    } else {
      block.write(127);
      length -= 127;
      while (length >= 128) {
        block.write(length & 127 | 128);
        length >>>= 7;
      }
      block.write(length);
    }
    block.writeBytes(bytes);
  }

  /** A gRPC message with its prefix. */
  static byte[] message(int flags, byte[] payload) {
    return ByteBuffer.allocate(5 + payload.length)
        .put((byte) flags)
        .putInt(payload.length)
        .put(payload)
        .array();
  }

  Frame read() throws IOException {
    int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
    int type = in.readUnsignedByte();
    int flags = in.readUnsignedByte();
    int stream = in.readInt() & 0x7fff_ffff;
    byte[] payload = new byte[length];
    in.readFully(payload);
    return new Frame(type, flags, stream, payload);
  }

  /** Reads until this stream has ended, by END_STREAM or a reset. */
  Answer answer(int stream) throws IOException {
    Map<String, String> headers = new LinkedHashMap<>();
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    while (true) {
      Frame frame = read();
      if (frame.type() == SETTINGS && (frame.flags() & ACK) == 0) {
        frame(SETTINGS, ACK, 0, new byte[0]);
      } else if (frame.type() == GOAWAY) {
        throw new EOFException(
            "connection given up: "
                + new String(
                    frame.payload(), 8, frame.payload().length - 8, StandardCharsets.UTF_8));
      } else if (frame.type() == HEADERS) {
        decoder.decode(
            new ByteArrayInputStream(frame.payload()),
            (name, value, parsed, sensitive) -> {
              if (frame.stream() == stream) {
                headers.put(name, value);
              }
              return null;
            });
        decoder.endHeaderBlock();
      }
      if (frame.stream() != stream) {
        continue;
      }
      if (frame.type() == DATA) {
        data.writeBytes(frame.payload());
      } else if (frame.type() == RST_STREAM) {
        return new Answer(headers, data.toByteArray(), ByteBuffer.wrap(frame.payload()).getInt());
      }
      if ((frame.type() == DATA || frame.type() == HEADERS) && (frame.flags() & END_STREAM) != 0) {
        return new Answer(headers, data.toByteArray(), 0);
      }
    }
  }

  /** Reads until the server says GOAWAY or closes the connection. */
  void awaitGivenUp() throws IOException {
    try {
      int type = SETTINGS;
      while (type != GOAWAY) {
        type = read().type();
      }
    } catch (EOFException | java.net.SocketException closed) {
      // As good as saying so.
    }
  }

  /** Reads and drops until the server closes the connection. */
  void awaitClosed() throws IOException {
    byte[] sink = new byte[8192];
    int n = 0;
    while (n >= 0) {
      try {
        n = in.read(sink);
      } catch (java.net.SocketException reset) {
        return;
      }
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
