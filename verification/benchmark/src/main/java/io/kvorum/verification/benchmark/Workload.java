package io.kvorum.verification.benchmark;

import io.kvorum.verification.benchmark.wire.Messages;
import io.kvorum.verification.benchmark.wire.UnaryLoad;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The loads: what is sent, by how many clients, on how many connections. Keys are 8 bytes and
 * values 256, as in etcd's own tool.
 */
enum Workload {
  PUT("put", "etcdserverpb.KV/Put", 100, 1000),
  PUT_LONE("put-1", "etcdserverpb.KV/Put", 1, 1),
  RANGE_LINEARIZABLE("range-linearizable", "etcdserverpb.KV/Range", 100, 1000),
  RANGE_SERIALIZABLE("range-serializable", "etcdserverpb.KV/Range", 100, 1000),
  RANGE_LONE("range-1", "etcdserverpb.KV/Range", 1, 1);

  static final int KEYS = 100_000;
  private static final int KEY_BYTES = 8;
  private static final int VALUE_BYTES = 256;
  private static final int VALUE_POOL_BYTES = 1 << 20;

  final String title;
  final String method;
  final int connections;
  final int clients;

  Workload(String title, String method, int connections, int clients) {
    this.title = title;
    this.method = method;
    this.connections = connections;
    this.clients = clients;
  }

  UnaryLoad connect(InetSocketAddress server, long seed) {
    return new UnaryLoad(server, method, connections, clients, messages(seed));
  }

  /** The connections spread over the servers; a lone one goes to the first. */
  UnaryLoad connect(List<InetSocketAddress> servers, long seed) {
    return new UnaryLoad(servers, method, connections, clients, messages(seed));
  }

  private Messages messages(long seed) {
    var random = new SplittableRandom(seed);
    return switch (this) {
      case PUT, PUT_LONE -> new Puts(random, () -> random.nextInt(KEYS));
      case RANGE_LINEARIZABLE, RANGE_LONE -> ranges(random, false);
      case RANGE_SERIALIZABLE -> ranges(random, true);
    };
  }

  /** Puts each of the keys once, in their order. */
  static Messages fill(long seed) {
    var next = new int[1];
    return new Puts(new SplittableRandom(seed), () -> next[0]++ % KEYS);
  }

  private interface KeyNumbers {
    int next();
  }

  private static Messages ranges(SplittableRandom random, boolean serializable) {
    return out -> {
      key(out, random.nextInt(KEYS));
      if (serializable) out.put((byte) (7 << 3)).put((byte) 1);
    };
  }

  /**
   * Field 1 of both PutRequest and RangeRequest: eight digits, so that key order is number order.
   */
  private static void key(ByteBuffer out, int number) {
    out.put((byte) (1 << 3 | 2)).put((byte) KEY_BYTES);
    int rest = number;
    int at = out.position();
    for (int digit = KEY_BYTES - 1; digit >= 0; digit--, rest /= 10)
      out.put(at + digit, (byte) ('0' + rest % 10));
    out.position(at + KEY_BYTES);
  }

  /** Values are cut from random bytes at random places: none compresses, hardly two are alike. */
  private static final class Puts implements Messages {
    private final SplittableRandom random;
    private final KeyNumbers keys;
    private final byte[] pool = new byte[VALUE_POOL_BYTES];

    Puts(SplittableRandom random, KeyNumbers keys) {
      this.random = random;
      this.keys = keys;
      random.nextBytes(pool);
    }

    @Override
    public void writeNext(ByteBuffer out) {
      key(out, keys.next());
      out.put((byte) (2 << 3 | 2));
      out.put((byte) (VALUE_BYTES & 0x7f | 0x80)).put((byte) (VALUE_BYTES >> 7));
      out.put(pool, random.nextInt(VALUE_POOL_BYTES - VALUE_BYTES), VALUE_BYTES);
    }
  }
}
