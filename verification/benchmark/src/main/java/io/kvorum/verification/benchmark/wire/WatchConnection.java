package io.kvorum.verification.benchmark.wire;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;

/**
 * One connection with watch streams on it, each with watches of its own. Creates the watches, then
 * counts events. Used by one thread only.
 */
final class WatchConnection {
  private static final int IN_BYTES = 1 << 18;
  private static final int OUT_BYTES = 1 << 18;
  private static final int GRPC_PREFIX_BYTES = 5;
  private static final int CREATE_BYTES_MAX = 128;

  /** Creates of one stream that wait for their answers; servers have buffers for few. */
  private static final int CREATES_TOGETHER = 16;

  private static final int RENEW_WINDOW_BYTES = 1 << 28;

  /** So that a client which does not read is felt soon, and not hidden by the kernel. */
  private static final int RECEIVE_BUFFER_BYTES = 1 << 17;

  /** Told of what the streams receive, on the event loop. */
  interface Listener {
    void created();

    /** One event, with the number that its value begins with. */
    void event(long stamp);
  }

  /** What each stream of a connection watches. */
  interface Keys {
    /** Writes the key of a watch, at most 64 bytes; one key, not a range. */
    void write(int stream, int watch, ByteBuffer out);
  }

  private static final class Stream {
    int asked;
    int created;
    long windowBytes;

    /** A message of which not all has come. */
    ByteBuffer partial = ByteBuffer.allocate(0);

    Stream(long windowBytes) {
      this.windowBytes = windowBytes;
    }
  }

  private final SocketChannel channel;
  private final SelectionKey key;
  private final Stream[] streams;
  private final int watchesPerStream;
  private final Keys keys;
  private final Listener listener;
  private final ByteBuffer in = ByteBuffer.allocateDirect(IN_BYTES);
  private final ByteBuffer out = ByteBuffer.allocateDirect(OUT_BYTES);
  private final byte[] firstHeaders;
  private long windowBytes = Frames.DEFAULT_WINDOW_BYTES;
  private long initialWindowBytes = Frames.DEFAULT_WINDOW_BYTES;
  private int received;
  private boolean reading = true;

  WatchConnection(
      Selector selector,
      InetSocketAddress address,
      int streamCount,
      int watchesPerStream,
      Keys keys,
      Listener listener)
      throws IOException {
    this.watchesPerStream = watchesPerStream;
    this.keys = keys;
    this.listener = listener;
    this.streams = new Stream[streamCount];
    this.firstHeaders =
        HeaderBlocks.firstRequest(
            "/etcdserverpb.Watch/Watch", address.getHostString() + ":" + address.getPort());
    this.channel = SocketChannel.open();
    channel.setOption(StandardSocketOptions.SO_RCVBUF, RECEIVE_BUFFER_BYTES);
    channel.connect(address);
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    channel.configureBlocking(false);
    this.key = channel.register(selector, SelectionKey.OP_READ, this);
    Frames.open(out);
  }

  /** Opens the streams; their watches are created from then on. */
  void start() throws IOException {
    for (int i = 0; i < streams.length; i++) {
      streams[i] = new Stream(initialWindowBytes);
      var headers = i == 0 ? firstHeaders : HeaderBlocks.laterRequest();
      Frames.header(out, headers.length, Frames.HEADERS, Frames.END_HEADERS, 2 * i + 1);
      out.put(headers);
    }
    flush();
  }

  /** Whether what the server sends is taken; where it is not, the connection fills up. */
  void setReading(boolean reads) {
    reading = reads;
    interest();
  }

  void ready() throws IOException {
    if (key.isReadable() && reading) read();
    ask();
    flush();
  }

  /** Creates as many watches as may be under way. */
  void ask() {
    for (int i = 0; i < streams.length; i++) {
      var stream = streams[i];
      while (stream.asked < watchesPerStream
          && stream.asked - stream.created < CREATES_TOGETHER
          && windowBytes >= CREATE_BYTES_MAX
          && stream.windowBytes >= CREATE_BYTES_MAX
          && out.remaining() >= 2 * CREATE_BYTES_MAX) create(stream, i);
    }
  }

  private void create(Stream stream, int number) {
    int start = out.position();
    int message = start + Frames.HEADER_BYTES + GRPC_PREFIX_BYTES;
    // WatchRequest.create_request, WatchCreateRequest.key: both lengths fit into one byte
    out.position(message + 4);
    keys.write(number, stream.asked, out);
    int end = out.position();
    int keyBytes = end - message - 4;
    out.put(message, (byte) (1 << 3 | 2)).put(message + 1, (byte) (keyBytes + 2));
    out.put(message + 2, (byte) (1 << 3 | 2)).put(message + 3, (byte) keyBytes);
    int length = end - start - Frames.HEADER_BYTES;
    out.position(start);
    Frames.header(out, length, Frames.DATA, 0, 2 * number + 1);
    out.put((byte) 0).putInt(length - GRPC_PREFIX_BYTES).position(end);
    windowBytes -= length;
    stream.windowBytes -= length;
    stream.asked++;
  }

  private void read() throws IOException {
    int count = channel.read(in);
    if (count < 0) throw new IOException("the server closed the connection");
    in.flip();
    while (in.remaining() >= Frames.HEADER_BYTES) {
      int start = in.position();
      int word = in.getInt(start);
      int length = word >>> 8;
      if (in.remaining() < Frames.HEADER_BYTES + length) break;
      int flags = in.get(start + 4) & 0xff;
      int stream = in.getInt(start + 5) & Integer.MAX_VALUE;
      in.position(start + Frames.HEADER_BYTES);
      frame(word & 0xff, flags, stream, length);
      in.position(start + Frames.HEADER_BYTES + length);
    }
    in.compact();
  }

  private void frame(int type, int flags, int stream, int length) throws IOException {
    switch (type) {
      case Frames.DATA -> data(streams[stream >> 1], length);
      case Frames.HEADERS -> {
        if ((flags & Frames.END_STREAM) != 0) {
          var block = new byte[length];
          in.get(block);
          throw new IOException("a watch stream has ended: " + HeaderBlocks.status(block));
        }
      }
      case Frames.SETTINGS -> settings(flags, length);
      case Frames.PING -> {
        if ((flags & Frames.ACK) == 0) Frames.pingAck(out, in.getLong());
      }
      case Frames.WINDOW_UPDATE -> {
        long more = in.getInt() & Integer.MAX_VALUE;
        if (stream == 0) windowBytes += more;
        else streams[stream >> 1].windowBytes += more;
      }
      case Frames.RST_STREAM, Frames.GOAWAY -> throw new IOException("frame of type " + type);
      default -> {
        // RFC 9113, 4.1: frames of unknown types are ignored
      }
    }
  }

  private void settings(int flags, int length) {
    if ((flags & Frames.ACK) != 0) return;
    for (int at = 0; at < length; at += 6) {
      int id = in.getShort();
      int value = in.getInt();
      if (id == Frames.SETTING_INITIAL_WINDOW_SIZE) {
        for (var stream : streams)
          if (stream != null) stream.windowBytes += value - initialWindowBytes;
        initialWindowBytes = value;
      }
    }
    Frames.settingsAck(out);
  }

  private void data(Stream stream, int length) {
    received += length;
    if (received > RENEW_WINDOW_BYTES) {
      Frames.windowUpdate(out, received);
      received = 0;
    }
    var frame = in.slice(in.position(), length);
    if (stream.partial.position() > 0) frame = joined(stream, frame);
    while (frame.remaining() >= GRPC_PREFIX_BYTES) {
      int bytes = frame.getInt(frame.position() + 1);
      if (frame.remaining() < GRPC_PREFIX_BYTES + bytes) break;
      int end = frame.position() + GRPC_PREFIX_BYTES + bytes;
      frame.position(end - bytes);
      response(stream, frame, end);
      frame.position(end);
    }
    if (frame.hasRemaining()) keep(stream, frame);
  }

  private static ByteBuffer joined(Stream stream, ByteBuffer frame) {
    keep(stream, frame);
    var whole = stream.partial.flip();
    stream.partial = ByteBuffer.allocate(0);
    return whole;
  }

  private static void keep(Stream stream, ByteBuffer rest) {
    if (stream.partial.remaining() < rest.remaining()) {
      int bytes = stream.partial.position() + rest.remaining();
      stream.partial = ByteBuffer.allocate(2 * bytes).put(stream.partial.flip());
    }
    stream.partial.put(rest);
  }

  private void response(Stream stream, ByteBuffer message, int end) {
    while (message.position() < end) {
      int tag = (int) varint(message);
      switch (tag) {
        case 3 << 3 -> {
          if (varint(message) != 0) {
            stream.created++;
            listener.created();
          }
        }
        case 11 << 3 | 2 -> {
          int bytes = (int) varint(message);
          event(message, message.position() + bytes);
        }
        default -> skip(message, tag);
      }
    }
  }

  private void event(ByteBuffer message, int end) {
    while (message.position() < end) {
      int tag = (int) varint(message);
      if (tag == (2 << 3 | 2)) {
        int bytes = (int) varint(message);
        keyValue(message, message.position() + bytes);
      } else skip(message, tag);
    }
  }

  private void keyValue(ByteBuffer message, int end) {
    while (message.position() < end) {
      int tag = (int) varint(message);
      if (tag == (5 << 3 | 2)) {
        int bytes = (int) varint(message);
        listener.event(message.getLong(message.position()));
        message.position(message.position() + bytes);
      } else skip(message, tag);
    }
  }

  private static void skip(ByteBuffer message, int tag) {
    if ((tag & 7) == 0) varint(message);
    else message.position((int) varint(message) + message.position());
  }

  private static long varint(ByteBuffer message) {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      byte next = message.get();
      value |= (next & 0x7fL) << shift;
      if (next >= 0) return value;
    }
  }

  private void flush() throws IOException {
    if (out.position() > 0) {
      out.flip();
      channel.write(out);
      out.compact();
    }
    interest();
  }

  private void interest() {
    int ops =
        (reading ? SelectionKey.OP_READ : 0) | (out.position() > 0 ? SelectionKey.OP_WRITE : 0);
    if (key.interestOps() != ops) key.interestOps(ops);
  }

  void close() throws IOException {
    key.cancel();
    channel.close();
  }
}
