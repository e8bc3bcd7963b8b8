package io.kvorum.actors.cluster;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * Stands between two processes and knows Artery's streams: a connection starts with four bytes and
 * the stream's number. Can swallow what comes without closing anything, as a network does that is
 * cut.
 */
final class LaneProxy implements AutoCloseable {
  static final int CONTROL = 1;
  static final int ORDINARY = 2;
  static final int LARGE = 3;

  private final ServerSocket server;
  private final AtomicReference<PeerAddress> target = new AtomicReference<>();
  private final List<Passage> passages = new CopyOnWriteArrayList<>();
  private final Set<Integer> stalled = ConcurrentHashMap.newKeySet();
  private final AtomicLong[] bytes = {
    new AtomicLong(), new AtomicLong(), new AtomicLong(), new AtomicLong()
  };
  private volatile boolean swallowing;

  LaneProxy() throws IOException {
    server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().start(this::accept);
  }

  PeerAddress address() {
    return new PeerAddress("127.0.0.1", server.getLocalPort());
  }

  void target(PeerAddress address) {
    target.set(address);
  }

  /** Bytes that came for a stream, swallowed ones included. */
  long bytes(int lane) {
    return bytes[lane].get();
  }

  /** Reads nothing more of this lane's connections. */
  void stall(int lane) {
    stalled.add(lane);
  }

  /** From now on everything is lost, what is connected stays so, and nothing new gets through. */
  void cut() {
    swallowing = true;
    passages.forEach(passage -> passage.dead = true);
  }

  /** New connections work again; those that were there at the cut never will. */
  void heal() {
    swallowing = false;
  }

  private void accept() {
    try {
      while (true) {
        Passage passage = new Passage(server.accept());
        passages.add(passage);
        Thread.ofVirtual().start(passage::run);
      }
    } catch (IOException e) {
      // Closed.
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Passage passage : passages) {
      passage.from.close();
    }
  }

  private final class Passage {
    private final Socket from;
    private volatile boolean dead;

    Passage(Socket from) {
      this.from = from;
    }

    void run() {
      try (from;
          Socket to = new Socket()) {
        from.setTcpNoDelay(true);
        InputStream in = from.getInputStream();
        byte[] start = in.readNBytes(5);
        if (start.length < 5 || swallowing) {
          return;
        }
        int lane = start[4];
        PeerAddress address = target.get();
        if (address != null) {
          to.setTcpNoDelay(true);
          to.connect(new InetSocketAddress(address.host(), address.port()));
          to.getOutputStream().write(start);
        }
        pass(lane, in, to);
      } catch (IOException e) {
        // Either side is gone; the other one sees its connection closed.
      }
    }

    private void pass(int lane, InputStream in, Socket to) throws IOException {
      byte[] buffer = new byte[64 << 10];
      while (true) {
        int n = in.read(buffer);
        if (n < 0) {
          return;
        }
        bytes[lane].addAndGet(n);
        while (stalled.contains(lane) && !from.isClosed()) {
          LockSupport.parkNanos(1_000_000);
        }
        if (!dead && to.isConnected()) {
          OutputStream out = to.getOutputStream();
          out.write(buffer, 0, n);
        }
      }
    }
  }
}
