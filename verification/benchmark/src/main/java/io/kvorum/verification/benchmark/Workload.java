package io.kvorum.verification.benchmark;

import io.kvorum.verification.benchmark.wire.Messages;
import io.kvorum.verification.benchmark.wire.UnaryLoad;
import java.net.InetSocketAddress;
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
  RANGE_LONE("range-1", "etcdserverpb.KV/Range", 1, 1),
  /** Eight puts in each. */
  TXN_PUT("txn-put", "etcdserverpb.KV/Txn", 100, 1000),
  /** By turns a put and a range of up to ten keys, as in etcd's own tool. */
  TXN_MIXED("txn-mixed", "etcdserverpb.KV/Txn", 100, 1000),
  /** A thousand keys in each answer. */
  RANGE_MANY("range-1000", "etcdserverpb.KV/Range", 10, 100);

  static final int KEYS = 100_000;
  static final int PUTS_IN_TXN = 8;
  private static final int TXN_OPS_MAX = 128;
  private static final int KEYS_IN_TXN_RANGE = 10;
  private static final int KEYS_IN_RANGE = 1_000;
  static final int VALUE_BYTES = 256;

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
      case PUT, PUT_LONE -> puts(random);
      case TXN_PUT -> new Requests.Txns(neighbours(random), PUTS_IN_TXN);
      case TXN_MIXED -> mixed(random);
      case RANGE_MANY ->
          out -> {
            int first = random.nextInt(KEYS - KEYS_IN_RANGE);
            Requests.range(out, first, first + KEYS_IN_RANGE, 0);
          };
      case RANGE_LINEARIZABLE, RANGE_LONE -> ranges(random, false);
      case RANGE_SERIALIZABLE -> ranges(random, true);
    };
  }

  /** Puts each of the keys once, in their order. */
  static Messages fill(long seed) {
    var next = new int[1];
    return new Requests.Puts(new SplittableRandom(seed), () -> next[0]++ % KEYS, VALUE_BYTES);
  }

  private static Messages puts(SplittableRandom random) {
    return new Requests.Puts(random, () -> random.nextInt(KEYS), VALUE_BYTES);
  }

  /** Keys of one txn stand beside each other: none comes twice, which would be refused. */
  private static Messages neighbours(SplittableRandom random) {
    var at = new int[2];
    return new Requests.Puts(
        random,
        () -> {
          if (at[1]++ % PUTS_IN_TXN == 0) at[0] = random.nextInt(KEYS - PUTS_IN_TXN);
          return at[0]++;
        },
        VALUE_BYTES);
  }

  /** Puts these many keys once, in their order, with values of a size. */
  static UnaryLoad fill(InetSocketAddress server, int keys, int valueBytes) {
    var next = new int[1];
    var puts = new Requests.Puts(new SplittableRandom(1), () -> next[0]++ % keys, valueBytes);
    var txns = new Requests.Txns(puts, putsInFill(valueBytes));
    return new UnaryLoad(server, TXN_PUT.method, 8, 32, txns);
  }

  /** How many requests of that fill put all keys at least once. */
  static int fillRequests(int keys, int valueBytes) {
    return Math.ceilDiv(keys, putsInFill(valueBytes));
  }

  private static int putsInFill(int valueBytes) {
    return Math.min(TXN_OPS_MAX, Requests.Txns.LARGEST_BYTES / (valueBytes + 32));
  }

  private static Messages mixed(SplittableRandom random) {
    var put = new Requests.Txns(puts(random), 1);
    var reads = new boolean[1];
    return out -> {
      reads[0] = !reads[0];
      if (reads[0]) Requests.rangeInTxn(out, random.nextInt(KEYS), KEYS, KEYS_IN_TXN_RANGE);
      else put.writeNext(out);
    };
  }

  private static Messages ranges(SplittableRandom random, boolean serializable) {
    return out -> {
      Requests.key(out, random.nextInt(KEYS));
      if (serializable) out.put((byte) (7 << 3)).put((byte) 1);
    };
  }
}
