package io.kvorum.verification.benchmark.wire;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** The frames of RFC 9113 that a client of unary calls sends and receives. */
final class Frames {
  static final int HEADER_BYTES = 9;

  /** What we allow the other side to send in one frame: the protocol's default. */
  static final int MAX_PAYLOAD_BYTES = 16_384;

  static final int DATA = 0;
  static final int HEADERS = 1;
  static final int RST_STREAM = 3;
  static final int SETTINGS = 4;
  static final int PING = 6;
  static final int GOAWAY = 7;
  static final int WINDOW_UPDATE = 8;
  static final int CONTINUATION = 9;

  static final int END_STREAM = 1;
  static final int ACK = 1;
  static final int END_HEADERS = 4;
  static final int PADDED = 8;
  static final int PRIORITY = 0x20;

  static final int SETTING_HEADER_TABLE_SIZE = 1;
  static final int SETTING_ENABLE_PUSH = 2;
  static final int SETTING_INITIAL_WINDOW_SIZE = 4;

  static final int DEFAULT_WINDOW_BYTES = 65_535;
  private static final int LARGEST_WINDOW_BYTES = Integer.MAX_VALUE;

  private static final byte[] PREFACE =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

  private Frames() {}

  static void header(ByteBuffer out, int length, int type, int flags, int stream) {
    out.putInt(length << 8 | type).put((byte) flags).putInt(stream);
  }

  /**
   * Opens a connection: no header table on our side, so that equal answers have equal bytes;
   * windows as wide as they get.
   */
  static void open(ByteBuffer out) {
    out.put(PREFACE);
    header(out, 18, SETTINGS, 0, 0);
    out.putShort((short) SETTING_HEADER_TABLE_SIZE).putInt(0);
    out.putShort((short) SETTING_ENABLE_PUSH).putInt(0);
    out.putShort((short) SETTING_INITIAL_WINDOW_SIZE).putInt(LARGEST_WINDOW_BYTES);
    windowUpdate(out, LARGEST_WINDOW_BYTES - DEFAULT_WINDOW_BYTES);
  }

  static void windowUpdate(ByteBuffer out, int bytes) {
    header(out, 4, WINDOW_UPDATE, 0, 0);
    out.putInt(bytes);
  }

  static void settingsAck(ByteBuffer out) {
    header(out, 0, SETTINGS, ACK, 0);
  }

  static void pingAck(ByteBuffer out, long data) {
    header(out, 8, PING, ACK, 0);
    out.putLong(data);
  }
}
