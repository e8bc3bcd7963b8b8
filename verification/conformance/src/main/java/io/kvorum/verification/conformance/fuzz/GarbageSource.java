package io.kvorum.verification.conformance.fuzz;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import io.kvorum.verification.conformance.differential.RequestSource;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * What a client that is broken or hostile might send on the port: each input is a function of the
 * seed and its number, so that one can be made again without those before it.
 */
public final class GarbageSource {
  private static final List<String> METHODS =
      List.of(
          "/etcdserverpb.KV/Range",
          "/etcdserverpb.KV/Put",
          "/etcdserverpb.KV/DeleteRange",
          "/etcdserverpb.KV/Txn",
          "/etcdserverpb.KV/Compact",
          "/etcdserverpb.Watch/Watch",
          "/etcdserverpb.Lease/LeaseGrant",
          "/etcdserverpb.Lease/LeaseKeepAlive",
          "/etcdserverpb.Cluster/MemberList",
          "/etcdserverpb.Maintenance/Status",
          "/etcdserverpb.Auth/AuthStatus",
          "/grpc.health.v1.Health/Check",
          "/etcdserverpb.KV/Nothing",
          "/nothing",
          "/",
          "",
          "/etcdserverpb.KV/");

  private final long seed;

  public GarbageSource(long seed) {
    this.seed = seed;
  }

  /** A name for people, and the bytes to send on a fresh connection. */
  public record Garbage(String kind, byte[] bytes) {}

  public Garbage input(int number) {
    var random = new SplittableRandom(seed * 1_000_003 + number);
    return switch (random.nextInt(12)) {
      case 0 -> new Garbage("random bytes", bytes(random, random.nextInt(4000)));
      case 1 -> new Garbage("HTTP/1.1 nonsense", http1(random));
      case 2 -> new Garbage("mutated HTTP/1.1", mutated(random, request1(random)));
      case 3 -> new Garbage("random frames", randomFrames(random));
      case 4 -> new Garbage("frames that lie about their length", lyingFrames(random));
      case 5 -> new Garbage("random header block", randomHeaders(random));
      case 6 -> new Garbage("wrong gRPC prefix", wrongPrefix(random));
      case 7 -> new Garbage("resets at once", resets(random));
      case 8 -> new Garbage("settings, pings and windows", control(random));
      case 9 -> new Garbage("cut off", cutOff(random));
      case 10 -> new Garbage("endless header block", continuations(random));
      default -> new Garbage("mutated message", call(random, mutated(random, message(random))));
    };
  }

  /** A well-formed request's protobuf bytes, of any KV method. */
  public static byte[] message(SplittableRandom random) {
    var source = new RequestSource(random.nextLong());
    return source.next().request().toByteArray();
  }

  /** The same with some bytes changed, doubled, left out or made up. */
  public static byte[] mutated(SplittableRandom random, byte[] original) {
    var out = new ByteArrayOutputStream();
    int every = 2 + random.nextInt(40);
    for (byte b : original) {
      if (random.nextInt(every) != 0) {
        out.write(b);
        continue;
      }
      switch (random.nextInt(4)) {
        case 0 -> out.write(random.nextInt(256));
        case 1 -> out.write(b ^ 1 << random.nextInt(8));
        case 2 -> out.writeBytes(bytes(random, random.nextInt(6)));
        default -> {} // left out
      }
    }
    if (random.nextInt(5) == 0) out.writeBytes(unknownField(random));
    return out.toByteArray();
  }

  private static byte[] unknownField(SplittableRandom random) {
    try {
      var bytes = new ByteArrayOutputStream();
      var out = CodedOutputStream.newInstance(bytes);
      out.writeBytes(1000 + random.nextInt(1000), ByteString.copyFrom(bytes(random, 20)));
      out.flush();
      return bytes.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] http1(SplittableRandom random) {
    return switch (random.nextInt(6)) {
      case 0 ->
          ascii(
              "GET / HTTP/1.1\r\nHost: x\r\nX-Long: "
                  + "y".repeat(random.nextInt(100_000))
                  + "\r\n\r\n");
      case 1 -> ascii("POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n{}");
      case 2 ->
          ascii("POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
      case 3 -> ascii("GET /health HTTP/9.9\r\n\r\n");
      case 4 ->
          ascii("GET /" + "../".repeat(random.nextInt(2000)) + " HTTP/1.1\r\nHost: x\r\n\r\n");
      default -> ascii("A".repeat(random.nextInt(20_000)));
    };
  }

  private static byte[] request1(SplittableRandom random) {
    var path = List.of("/health", "/version", "/metrics", "/readyz").get(random.nextInt(4));
    return ascii("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n");
  }

  private static byte[] randomFrames(SplittableRandom random) {
    var out = opened();
    for (int i = random.nextInt(20); i >= 0; i--)
      frame(
          out,
          random.nextInt(12),
          random.nextInt(256),
          random.nextInt(20),
          bytes(random, random.nextInt(60)));
    return out.toByteArray();
  }

  private static byte[] lyingFrames(SplittableRandom random) {
    var out = opened();
    frameHeader(
        out, random.nextInt(1 << 24), random.nextInt(10), random.nextInt(256), random.nextInt());
    out.writeBytes(bytes(random, random.nextInt(200)));
    return out.toByteArray();
  }

  private static byte[] randomHeaders(SplittableRandom random) {
    var out = opened();
    frame(out, 1, 4 + random.nextInt(2), 1, bytes(random, 1 + random.nextInt(300)));
    frame(out, 0, 1, 1, bytes(random, 20));
    return out.toByteArray();
  }

  private static byte[] wrongPrefix(SplittableRandom random) {
    var out = opened();
    frame(out, 1, 4, 1, headers(method(random)));
    var body = new ByteArrayOutputStream();
    body.write(random.nextInt(3)); // 1: says it is compressed; 2: no such flag
    int length = random.nextInt(3) == 0 ? Integer.MAX_VALUE : random.nextInt(1 << 22);
    body.writeBytes(int4(length));
    body.writeBytes(bytes(random, random.nextInt(300)));
    frame(out, 0, random.nextInt(2), 1, body.toByteArray());
    return out.toByteArray();
  }

  private static byte[] resets(SplittableRandom random) {
    var out = opened();
    for (int stream = 1; stream < 2 + 2 * random.nextInt(60); stream += 2) {
      frame(out, 1, 4, stream, headers(method(random)));
      frame(out, 3, 0, stream, int4(8));
    }
    return out.toByteArray();
  }

  private static byte[] control(SplittableRandom random) {
    var out = opened();
    for (int i = random.nextInt(60); i >= 0; i--) {
      switch (random.nextInt(5)) {
        case 0 -> frame(out, 4, 0, 0, new byte[0]);
        case 1 -> frame(out, 6, 0, 0, bytes(random, 8));
        case 2 -> frame(out, 8, 0, random.nextInt(3), int4(random.nextInt()));
        case 3 -> frame(out, 4, 0, 0, bytes(random, 6 * random.nextInt(5)));
        default -> frame(out, 2, 0, 1 + 2 * random.nextInt(9), bytes(random, 5));
      }
    }
    return out.toByteArray();
  }

  private static byte[] cutOff(SplittableRandom random) {
    var whole = call(random, message(random));
    return Arrays.copyOf(whole, random.nextInt(whole.length));
  }

  private static byte[] continuations(SplittableRandom random) {
    var out = opened();
    frame(out, 1, 0, 1, headers(method(random)));
    for (int i = random.nextInt(200); i >= 0; i--)
      frame(out, 9, 0, 1, bytes(random, random.nextInt(200)));
    return out.toByteArray();
  }

  /** One whole unary call on a connection of its own. */
  private static byte[] call(SplittableRandom random, byte[] message) {
    var out = opened();
    frame(out, 1, 4, 1, headers(method(random)));
    var body = new ByteArrayOutputStream();
    body.write(0);
    body.writeBytes(int4(message.length));
    body.writeBytes(message);
    var bytes = body.toByteArray();
    for (int from = 0; from < bytes.length; from += 16_000) {
      int to = Math.min(bytes.length, from + 16_000);
      frame(out, 0, to == bytes.length ? 1 : 0, 1, Arrays.copyOfRange(bytes, from, to));
    }
    return out.toByteArray();
  }

  private static String method(SplittableRandom random) {
    return METHODS.get(random.nextInt(METHODS.size()));
  }

  private static ByteArrayOutputStream opened() {
    var out = new ByteArrayOutputStream();
    out.writeBytes(ascii("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    frame(out, 4, 0, 0, new byte[0]);
    return out;
  }

  /** A header block that uses no table: literal fields only. */
  private static byte[] headers(String path) {
    var block = new ByteArrayOutputStream();
    for (var field :
        List.of(
            List.of(":method", "POST"),
            List.of(":scheme", "http"),
            List.of(":path", path),
            List.of(":authority", "127.0.0.1"),
            List.of("content-type", "application/grpc"),
            List.of("te", "trailers"))) {
      block.write(0);
      for (var text : field) {
        block.write(text.length());
        block.writeBytes(ascii(text));
      }
    }
    return block.toByteArray();
  }

  private static void frame(
      ByteArrayOutputStream out, int type, int flags, int stream, byte[] payload) {
    frameHeader(out, payload.length, type, flags, stream);
    out.writeBytes(payload);
  }

  private static void frameHeader(
      ByteArrayOutputStream out, int length, int type, int flags, int stream) {
    out.write(length >> 16);
    out.write(length >> 8);
    out.write(length);
    out.write(type);
    out.write(flags);
    out.writeBytes(int4(stream));
  }

  private static byte[] int4(int value) {
    return new byte[] {
      (byte) (value >> 24), (byte) (value >> 16), (byte) (value >> 8), (byte) value
    };
  }

  private static byte[] bytes(SplittableRandom random, int count) {
    var bytes = new byte[count];
    random.nextBytes(bytes);
    return bytes;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
