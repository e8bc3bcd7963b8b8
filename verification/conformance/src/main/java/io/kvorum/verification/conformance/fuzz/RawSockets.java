package io.kvorum.verification.conformance.fuzz;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;

/** Connections without any client behind them. */
public final class RawSockets {
  private static final int READ_MILLIS = 30;

  private RawSockets() {}

  /**
   * Sends the bytes on a fresh connection, reads a little of what comes, and hangs up without
   * ceremony.
   */
  public static void throwAt(InetSocketAddress server, byte[] bytes) {
    try (var socket = new Socket()) {
      socket.connect(server);
      socket.setSoTimeout(READ_MILLIS);
      try {
        socket.getOutputStream().write(bytes);
        // whatever is answered, be it an error or the end of the connection, is right here; the
        // check is that others do not notice
        var unused = socket.getInputStream().readNBytes(100);
      } catch (SocketTimeoutException nothingMore) {
        socket.setSoLinger(true, 0);
      } catch (IOException cutOff) {
        socket.setSoLinger(true, 0);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("the server does not take connections any more", e);
    }
  }

  /**
   * Opens this many connections that then do nothing; each sends these bytes first. The caller
   * closes them.
   */
  public static List<SocketChannel> idle(InetSocketAddress server, int count, byte[] first)
      throws IOException {
    var open = new ArrayList<SocketChannel>();
    try {
      for (int i = 0; i < count; i++) {
        var channel = SocketChannel.open(server);
        open.add(channel);
        var buffer = ByteBuffer.wrap(first);
        while (buffer.hasRemaining()) {
          int unused = channel.write(buffer);
        }
      }
      return open;
    } catch (IOException e) {
      closeAll(open);
      throw e;
    }
  }

  public static void closeAll(List<SocketChannel> channels) throws IOException {
    for (var channel : channels) channel.close();
  }
}
