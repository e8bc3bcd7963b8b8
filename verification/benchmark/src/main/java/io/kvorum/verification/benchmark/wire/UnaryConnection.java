package io.kvorum.verification.benchmark.wire;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.Arrays;

/**
 * One connection with a fixed number of clients on it. A client sends its next request the moment
 * its last one is answered. Used by one thread only.
 */
final class UnaryConnection {
  private static final int IN_BYTES = 4 * (Frames.MAX_PAYLOAD_BYTES + Frames.HEADER_BYTES);
  private static final int GRPC_PREFIX_BYTES = 5;
  private static final int IDLE = 0;

  /** Received since the last window update; renewed long before the widest window is used up. */
  private static final int RENEW_WINDOW_BYTES = 1 << 28;

  private final SocketChannel channel;
  private final SelectionKey key;
  private final Messages messages;
  private final Listener listener;
  private final byte[] firstHeaders;
  private final byte[] laterHeaders = HeaderBlocks.laterRequest();
  private final ByteBuffer in = ByteBuffer.allocateDirect(IN_BYTES);
  private final ByteBuffer out;
  private final int[] streams;
  private final long[] startedNanos;
  private final boolean[] answered;
  private byte[] okTrailers = {};
  private boolean opened;
  private int nextStream = 1;
  private long sendWindowBytes = Frames.DEFAULT_WINDOW_BYTES;
  private int received;
  private long receivedBytes;
  private int inFlight;

  /** Told of every call's end, on the event loop. */
  interface Listener {
    void answered(long startedNanos, boolean succeeded, String status);

    /** No request is to be sent now. */
    long NOT_NOW = Long.MIN_VALUE;

    /**
     * Asked before each request: since when it is due, in nanoseconds, which counts it as sent; or
     * {@link #NOT_NOW}.
     */
    long dueNanos();
  }

  UnaryConnection(
      Selector selector,
      InetSocketAddress address,
      String path,
      int clients,
      Messages messages,
      Listener listener)
      throws IOException {
    this.messages = messages;
    this.listener = listener;
    this.firstHeaders =
        HeaderBlocks.firstRequest(path, address.getHostString() + ":" + address.getPort());
    this.streams = new int[clients];
    this.startedNanos = new long[clients];
    this.answered = new boolean[clients];
    this.out = ByteBuffer.allocateDirect((clients + 4) * (messages.maxBytes() + 256));
    this.channel = SocketChannel.open(address);
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    channel.configureBlocking(false);
    this.key = channel.register(selector, SelectionKey.OP_READ, this);
    Frames.open(out);
  }

  /** Lets every idle client send. */
  void start() throws IOException {
    sendIdle();
    flush();
  }

  private void sendIdle() {
    for (int client = 0; client < streams.length; client++)
      if (streams[client] == IDLE) send(client);
  }

  /** Of all messages so far. */
  long receivedBytes() {
    return receivedBytes;
  }

  int inFlight() {
    return inFlight;
  }

  void ready() throws IOException {
    if (key.isReadable()) read();
    flush();
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
      case Frames.DATA -> data(stream, flags, length);
      case Frames.HEADERS -> headers(stream, flags, length);
      case Frames.RST_STREAM -> ended(stream, false, "reset with error " + in.getInt());
      case Frames.SETTINGS -> settings(flags, length);
      case Frames.PING -> {
        if ((flags & Frames.ACK) == 0) Frames.pingAck(out, in.getLong());
      }
      case Frames.GOAWAY ->
          throw new IOException("the server says go away, error " + in.getInt(in.position() + 4));
      case Frames.WINDOW_UPDATE -> {
        if (stream == 0) {
          sendWindowBytes += in.getInt() & Integer.MAX_VALUE;
          sendIdle();
        }
      }
      case Frames.CONTINUATION -> throw new IOException("a header block of more than one frame");
      default -> {
        // RFC 9113, 4.1: frames of unknown types are ignored
      }
    }
  }

  private void data(int stream, int flags, int length) {
    int client = client(stream);
    if (client >= 0 && length > 0) answered[client] = true;
    received += length;
    receivedBytes += length;
    if (received > RENEW_WINDOW_BYTES) {
      Frames.windowUpdate(out, received);
      received = 0;
    }
    if ((flags & Frames.END_STREAM) != 0) ended(stream, false, "no trailers");
  }

  private void headers(int stream, int flags, int length) throws IOException {
    if ((flags & Frames.END_STREAM) == 0)
      return; // the opening headers of an answer say nothing new
    if ((flags & (Frames.PADDED | Frames.PRIORITY)) != 0 || (flags & Frames.END_HEADERS) == 0)
      throw new IOException("a header block in a form not expected of a server");
    if (isOkTrailers(length)) {
      ended(stream, true, HeaderBlocks.OK);
      return;
    }
    var block = new byte[length];
    in.get(block);
    var status = HeaderBlocks.status(block);
    if (status.equals(HeaderBlocks.OK)) okTrailers = block;
    ended(stream, status.equals(HeaderBlocks.OK), status);
  }

  private boolean isOkTrailers(int length) {
    if (length != okTrailers.length) return false;
    int at = in.position();
    for (int i = 0; i < length; i++) if (in.get(at + i) != okTrailers[i]) return false;
    return true;
  }

  private void settings(int flags, int length) throws IOException {
    if ((flags & Frames.ACK) != 0) return;
    for (int at = 0; at < length; at += 6) {
      int id = in.getShort();
      int value = in.getInt();
      if (id == Frames.SETTING_HEADER_TABLE_SIZE && value < 4096)
        throw new IOException("the server keeps no header table of the default size");
      if (id == Frames.SETTING_INITIAL_WINDOW_SIZE && value < messages.maxBytes())
        throw new IOException("the server's stream window is smaller than a request");
    }
    Frames.settingsAck(out);
  }

  private void ended(int stream, boolean ok, String status) {
    int client = client(stream);
    if (client < 0) return;
    streams[client] = IDLE;
    inFlight--;
    boolean succeeded = ok && answered[client];
    listener.answered(startedNanos[client], succeeded, status);
    send(client);
  }

  private int client(int stream) {
    for (int i = 0; i < streams.length; i++) if (streams[i] == stream) return i;
    return -1;
  }

  private void send(int client) {
    if (sendWindowBytes < messages.maxBytes()) return; // goes on after a window update
    long dueNanos = listener.dueNanos();
    if (dueNanos == Listener.NOT_NOW) return;
    var headers = opened ? laterHeaders : firstHeaders;
    opened = true;
    int stream = nextStream;
    nextStream += 2;
    Frames.header(out, headers.length, Frames.HEADERS, Frames.END_HEADERS, stream);
    out.put(headers);
    int start = out.position();
    out.position(start + Frames.HEADER_BYTES + GRPC_PREFIX_BYTES);
    messages.writeNext(out);
    int end = out.position();
    int length = end - start - Frames.HEADER_BYTES;
    out.position(start);
    Frames.header(out, length, Frames.DATA, Frames.END_STREAM, stream);
    out.put((byte) 0).putInt(length - GRPC_PREFIX_BYTES).position(end);
    sendWindowBytes -= length;
    streams[client] = stream;
    answered[client] = false;
    startedNanos[client] = dueNanos;
    inFlight++;
  }

  private void flush() throws IOException {
    if (out.position() == 0) return;
    out.flip();
    channel.write(out);
    boolean all = !out.hasRemaining();
    out.compact();
    key.interestOps(all ? SelectionKey.OP_READ : SelectionKey.OP_READ | SelectionKey.OP_WRITE);
  }

  void close() throws IOException {
    Arrays.fill(streams, IDLE);
    key.cancel();
    channel.close();
  }
}
