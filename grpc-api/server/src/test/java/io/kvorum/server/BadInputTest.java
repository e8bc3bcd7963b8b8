package io.kvorum.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import io.kvorum.server.RawHttp2.Answer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What no proper client sends: a correct error or a closed connection, and nobody else harmed. */
class BadInputTest {
  private static final String RANGE = "/etcdserverpb.KV/Range";
  private static final byte[] KEY_REQUEST =
      RangeRequest.newBuilder().setKey(ByteString.copyFromUtf8("k")).build().toByteArray();

  private final ServerFixture fixture = new ServerFixture();

  @AfterEach
  void othersAreUnharmed() {
    fixture.call(
        ServerFixture.RANGE,
        RangeRequest.newBuilder().setKey(ByteString.copyFromUtf8("k")).build());
    ServerFixture.await("no stream is left", () -> fixture.server.openStreams() == 0);
    fixture.close();
    assertEquals(0, fixture.group.openViews.get());
  }

  private Answer send(String path, byte[] body, String... headers) throws IOException {
    try (RawHttp2 raw = new RawHttp2(fixture.port())) {
      raw.request(1, path, headers);
      raw.frame(RawHttp2.DATA, RawHttp2.END_STREAM, 1, body);
      return raw.answer(1);
    }
  }

  private static byte[] concat(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Arrays.stream(parts).forEach(out::writeBytes);
    return out.toByteArray();
  }

  @Test
  void theShapeOfAnAnswer() throws IOException {
    Answer ok = send(RANGE, RawHttp2.message(0, KEY_REQUEST));
    assertEquals("200", ok.headers().get(":status"));
    assertEquals("application/grpc", ok.headers().get("content-type"));
    assertEquals("0: ", ok.status());
    assertEquals(ok.data().length - 5, ByteBuffer.wrap(ok.data(), 1, 4).getInt());
    Answer refused = send(RANGE, RawHttp2.message(0, new byte[0]));
    assertEquals("200", refused.headers().get(":status"));
    assertEquals("application/grpc", refused.headers().get("content-type"));
    assertEquals("3: etcdserver: key is not provided", refused.status());
    assertEquals(0, refused.data().length);
  }

  @ParameterizedTest
  @ValueSource(strings = {"application/grpc+proto", "application/grpc+json", "application/grpc"})
  void contentTypesOfGrpc(String type) throws IOException {
    try (RawHttp2 raw = new RawHttp2(fixture.port())) {
      raw.headers(
          1,
          RawHttp2.END_HEADERS,
          new String[] {
            ":method", "POST", ":scheme", "http", ":path", RANGE, "content-type", type
          });
      raw.frame(RawHttp2.DATA, RawHttp2.END_STREAM, 1, RawHttp2.message(0, KEY_REQUEST));
      assertEquals("0: ", raw.answer(1).status());
    }
  }

  /** What clients send there depends on how they were told to dial; nothing here depends on it. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "127.0.0.1:2379",
        "http://127.0.0.1:2379",
        "%2Frun%2Fkvorum.sock",
        "/run/kvorum.sock",
        "a:1,b:2",
        "[::1",
        "#initially=[a]",
        ""
      })
  void anyAuthority(String authority) throws IOException {
    try (RawHttp2 raw = new RawHttp2(fixture.port())) {
      raw.headers(
          1,
          RawHttp2.END_HEADERS,
          new String[] {
            ":method",
            "POST",
            ":scheme",
            "http",
            ":authority",
            authority,
            ":path",
            RANGE,
            "content-type",
            "application/grpc"
          });
      raw.frame(RawHttp2.DATA, RawHttp2.END_STREAM, 1, RawHttp2.message(0, KEY_REQUEST));
      assertEquals("0: ", raw.answer(1).status());
    }
  }

  @Test
  void otherContentTypesAndMethods() throws IOException {
    try (RawHttp2 raw = new RawHttp2(fixture.port())) {
      String[] json = {
        ":method", "POST", ":scheme", "http", ":path", RANGE, "content-type", "application/json"
      };
      raw.headers(1, RawHttp2.END_HEADERS, json);
      raw.frame(RawHttp2.DATA, RawHttp2.END_STREAM, 1, "{}".getBytes(StandardCharsets.UTF_8));
      Answer notGrpc = raw.answer(1);
      assertEquals("415", notGrpc.headers().get(":status"));
      assertEquals("3: invalid gRPC request content-type \"application/json\"", notGrpc.status());

      String[] get = {
        ":method", "GET", ":scheme", "http", ":path", RANGE, "content-type", "application/grpc"
      };
      raw.headers(3, RawHttp2.END_HEADERS | RawHttp2.END_STREAM, get);
      Answer notPost = raw.answer(3);
      assertEquals("405", notPost.headers().get(":status"));
      assertEquals(
          "13: Received a HEADERS frame with :method \"GET\" which should be POST",
          notPost.status());

      String[] page = {":method", "GET", ":scheme", "http", ":path", "/health"};
      raw.headers(5, RawHttp2.END_HEADERS | RawHttp2.END_STREAM, page);
      assertEquals(
          "{\"health\":\"true\",\"reason\":\"\"}",
          new String(raw.answer(5).data(), StandardCharsets.UTF_8));
    }
  }

  @Test
  void otherThanOneMessage() throws IOException {
    byte[] message = RawHttp2.message(0, KEY_REQUEST);
    assertEquals("2: EOF", send(RANGE, new byte[0]).status());
    assertEquals("2: unexpected EOF", send(RANGE, new byte[3]).status());
    assertEquals(
        "2: unexpected EOF", send(RANGE, Arrays.copyOf(message, message.length - 1)).status());
    assertEquals(
        "13: grpc: received more than one message of a unary request",
        send(RANGE, concat(message, message)).status());
    try (RawHttp2 raw = new RawHttp2(fixture.port())) {
      raw.headers(
          1,
          RawHttp2.END_HEADERS | RawHttp2.END_STREAM,
          new String[] {
            ":method", "POST", ":scheme", "http", ":path", RANGE, "content-type", "application/grpc"
          });
      assertEquals("2: EOF", raw.answer(1).status());
    }
  }

  @Test
  void aMessageInManyPieces() throws IOException {
    byte[] message = RawHttp2.message(0, KEY_REQUEST);
    try (RawHttp2 raw = new RawHttp2(fixture.port())) {
      raw.request(1, RANGE);
      for (byte b : message) {
        raw.frame(RawHttp2.DATA, 0, 1, new byte[] {b});
        raw.frame(RawHttp2.DATA, 0, 1, new byte[0]);
      }
      raw.frame(RawHttp2.DATA, RawHttp2.END_STREAM, 1, new byte[0]);
      assertEquals("0: ", raw.answer(1).status());
      raw.request(3, RANGE);
      raw.frame(RawHttp2.DATA, 0, 3, concat(message, message));
      raw.frame(RawHttp2.DATA, RawHttp2.END_STREAM, 3, new byte[0]);
      assertEquals(
          "13: grpc: received more than one message of a unary request", raw.answer(3).status());
    }
  }

  @Test
  void aMessageTooLargeIsRefusedByItsPrefix() throws IOException {
    try (RawHttp2 raw = new RawHttp2(fixture.port())) {
      raw.request(1, RANGE);
      // 2,097,153 bytes are announced and none is sent; the answer does not wait for them.
      raw.frame(RawHttp2.DATA, 0, 1, new byte[] {0, 0, 0x20, 0, 1});
      assertEquals(
          "8: grpc: received message larger than max (2097153 vs. 2097152)",
          raw.answer(1).status());
      raw.request(3, RANGE);
      raw.frame(RawHttp2.DATA, RawHttp2.END_STREAM, 3, RawHttp2.message(0, KEY_REQUEST));
      assertEquals("0: ", raw.answer(3).status());
    }
  }

  @Test
  void compression() throws IOException {
    ByteArrayOutputStream zipped = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(zipped)) {
      gzip.write(KEY_REQUEST);
    }
    byte[] compressed = RawHttp2.message(1, zipped.toByteArray());
    assertEquals("0: ", send(RANGE, compressed, "grpc-encoding", "gzip").status());
    assertEquals(
        "13: grpc: compressed flag set with identity or empty encoding",
        send(RANGE, compressed).status());
    assertEquals(
        "12: grpc: Decompressor is not installed for grpc-encoding \"snappy\"",
        send(RANGE, compressed, "grpc-encoding", "snappy").status());
    assertEquals(
        "13: grpc: received unexpected payload format 2",
        send(RANGE, RawHttp2.message(2, KEY_REQUEST)).status());
  }

  @Test
  void brokenProtobuf() throws IOException {
    byte[] cutOff = {0x0a, 0x7f, 1};
    String status = send(RANGE, RawHttp2.message(0, cutOff)).status();
    assertTrue(status.startsWith("13: grpc: error unmarshalling request: "), status);
    byte[] endGroup = {0x0c};
    status = send(RANGE, RawHttp2.message(0, endGroup)).status();
    assertTrue(status.startsWith("13: grpc: error unmarshalling request: "), status);
  }

  @Test
  void unknownFieldsAndEnumNumbers() throws IOException {
    // Field 1000, a varint; then sort_order (field 5) with a number of ten bytes.
    byte[] unknownField = concat(KEY_REQUEST, new byte[] {(byte) 0xc0, 0x3e, 1});
    assertEquals("0: ", send(RANGE, RawHttp2.message(0, unknownField)).status());
    byte[] unknownSort = concat(KEY_REQUEST, new byte[] {0x28, 99});
    assertEquals(
        "3: etcdserver: invalid sort option",
        send(RANGE, RawHttp2.message(0, unknownSort)).status());
  }

  @Test
  void timeouts() throws IOException {
    byte[] message = RawHttp2.message(0, KEY_REQUEST);
    assertEquals("0: ", send(RANGE, message, "grpc-timeout", "5S").status());
    assertEquals("0: ", send(RANGE, message, "grpc-timeout", "99999999H").status());
    assertEquals("0: ", send(RANGE, message, "grpc-timeout", "2000000H").status());
    assertEquals(
        "4: context deadline exceeded", send(RANGE, message, "grpc-timeout", "0S").status());
    Answer malformed = send(RANGE, message, "grpc-timeout", "5");
    assertEquals("400", malformed.headers().get(":status"));
    assertEquals(
        "13: malformed grpc-timeout: transport: timeout string is too short: \"5\"",
        malformed.status());
    fixture.group.barrier = CompletableFuture::new;
    assertEquals(
        "4: context deadline exceeded", send(RANGE, message, "grpc-timeout", "50m").status());
    // Of a request that never ends, too.
    try (RawHttp2 raw = new RawHttp2(fixture.port())) {
      raw.request(1, RANGE, "grpc-timeout", "50m");
      raw.frame(RawHttp2.DATA, 0, 1, new byte[] {0, 0});
      assertEquals("4: context deadline exceeded", raw.answer(1).status());
    }
    try (RawHttp2 raw = new RawHttp2(fixture.port())) {
      raw.request(1, "/etcdserverpb.Watch/Watch", "grpc-timeout", "50m");
      raw.frame(RawHttp2.DATA, 0, 1, new byte[] {0, 0});
      assertEquals("4: context deadline exceeded", raw.answer(1).status());
    }
    fixture.group.barrier = () -> CompletableFuture.completedFuture(FakeGroup.open());
  }

  @Test
  void aVersionThatIsNoText() throws IOException {
    String status =
        send(RANGE, RawHttp2.message(0, KEY_REQUEST), "client-api-version", "\u00ff\u00fe")
            .status();
    assertEquals("3: etcdserver: invalid client api version", status);
    assertEquals(
        "0: ",
        send(RANGE, RawHttp2.message(0, KEY_REQUEST), "client-api-version", "\u00c3\u00a9")
            .status());
    assertEquals(1, fixture.metrics.count("client UNARY é"));
  }

  @Test
  void aBrokenRequestEndsAWatch() throws IOException {
    String watch = "/etcdserverpb.Watch/Watch";
    fixture.group.watches = requests -> requests.map(r -> WatchResponse.getDefaultInstance());
    String status = send(watch, RawHttp2.message(0, new byte[] {0x0a, 0x7f})).status();
    assertTrue(status.startsWith("13: grpc: failed to unmarshal the received message: "), status);
    assertEquals("13: unexpected EOF", send(watch, new byte[] {0, 0, 0}).status());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\0\0\0\0\0\0\0\0",
        "GET / HTTP/9.9\r\n\r\n",
        "\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00fc\u0003\u0003",
        "nonsense\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"
      })
  void garbageOnThePort(String garbage) throws IOException {
    try (Socket socket = new Socket("127.0.0.1", fixture.port())) {
      socket.setSoTimeout(20_000);
      socket.getOutputStream().write(garbage.getBytes(StandardCharsets.ISO_8859_1));
      socket.shutdownOutput();
      assertClosed(socket);
    }
  }

  private static void assertClosed(Socket socket) throws IOException {
    InputStream in = socket.getInputStream();
    byte[] sink = new byte[4096];
    int n = 0;
    while (n >= 0) {
      try {
        n = in.read(sink);
      } catch (java.net.SocketException reset) {
        return;
      }
    }
  }

  enum ProtocolError {
    SHORT_PING,
    CONTINUATION_OF_NOTHING,
    REQUEST_WITHOUT_METHOD,
    FRAME_TOO_LARGE
  }

  @ParameterizedTest
  @EnumSource
  void protocolErrorsEndTheConnection(ProtocolError error) throws IOException {
    try (RawHttp2 raw = new RawHttp2(fixture.port())) {
      switch (error) {
        case SHORT_PING -> raw.frame(RawHttp2.PING, 0, 0, new byte[3]);
        case CONTINUATION_OF_NOTHING -> raw.frame(RawHttp2.CONTINUATION, 0, 1, new byte[3]);
        case REQUEST_WITHOUT_METHOD ->
            raw.headers(1, RawHttp2.END_HEADERS | RawHttp2.END_STREAM, "x", "y");
        case FRAME_TOO_LARGE -> raw.request(1, RANGE, "big", "x".repeat(16_500));
      }
      raw.awaitGivenUp();
    }
  }

  @Test
  void oddFramesThatMeanNothingArePassedOver() throws IOException {
    try (RawHttp2 raw = new RawHttp2(fixture.port())) {
      raw.frame(RawHttp2.DATA, 0, 0, new byte[] {1});
      raw.frame(RawHttp2.HEADERS, RawHttp2.END_HEADERS, 1, new byte[] {(byte) 0xff});
      raw.frame(0x77, 0xff, 0, new byte[100]);
      raw.request(3, RANGE, "big", "x".repeat(16_000));
      raw.frame(RawHttp2.DATA, RawHttp2.END_STREAM, 3, RawHttp2.message(0, KEY_REQUEST));
      assertEquals("0: ", raw.answer(3).status());
    }
  }

  @Test
  void headersWithoutEndAreCutOff() throws IOException {
    try (RawHttp2 raw = new RawHttp2(fixture.port())) {
      raw.headers(1, 0, ":method", "POST", ":scheme", "http", ":path", RANGE);
      byte[] more = RawHttp2.literals("x-" + "n".repeat(100), "v".repeat(100));
      for (int i = 0; i < 100_000; i++) {
        try {
          raw.frame(RawHttp2.CONTINUATION, 0, 1, more);
        } catch (java.net.SocketException closed) {
          return;
        }
      }
      raw.awaitClosed();
    }
  }

  @Test
  void aFloodOfResetsIsCutOff() throws IOException {
    try (RawHttp2 raw = new RawHttp2(fixture.port())) {
      byte[] cancel = {0, 0, 0, 8};
      for (int stream = 1; stream < 200_000; stream += 2) {
        try {
          raw.request(stream, RANGE);
          raw.frame(RawHttp2.DATA, 0, stream, RawHttp2.message(0, KEY_REQUEST));
          raw.frame(RawHttp2.RST_STREAM, 0, stream, cancel);
        } catch (java.net.SocketException closed) {
          return;
        }
      }
      raw.awaitClosed();
    }
  }

  @Test
  void unfinishedRequestsCostNothingToOthers() throws IOException {
    List<RawHttp2> slow = new ArrayList<>();
    List<Socket> silent = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      RawHttp2 raw = new RawHttp2(fixture.port());
      for (int stream = 1; stream < 100; stream += 2) {
        raw.request(stream, stream % 4 == 1 ? RANGE : "/etcdserverpb.Watch/Watch");
        if (stream % 3 == 0) {
          // Two mebibytes announced, six bytes sent.
          raw.frame(RawHttp2.DATA, 0, stream, new byte[] {0, 0, 0x1f, 0, 0, 1});
        }
      }
      slow.add(raw);
      Socket socket = new Socket("127.0.0.1", fixture.port());
      socket
          .getOutputStream()
          .write("GET /health HTTP/1.1\r\nHost: x\r\nX".getBytes(StandardCharsets.UTF_8));
      silent.add(socket);
    }
    fixture.call(
        ServerFixture.PUT, PutRequest.newBuilder().setKey(ByteString.copyFromUtf8("k")).build());
    for (RawHttp2 raw : slow) {
      raw.close();
    }
    for (Socket socket : silent) {
      socket.close();
    }
  }

  @Test
  void manyIdleConnections() throws IOException {
    List<Socket> idle = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      idle.add(new Socket("127.0.0.1", fixture.port()));
    }
    fixture.call(
        ServerFixture.PUT, PutRequest.newBuilder().setKey(ByteString.copyFromUtf8("k")).build());
    for (Socket socket : idle) {
      socket.close();
    }
  }

  /** Replay one failure with {@code -Dkvorum.seed=N}. */
  @Test
  void randomAndMutatedMessages() throws IOException {
    long seed = Long.getLong("kvorum.seed", System.nanoTime());
    Random random = new Random(seed);
    String[] paths = {
      RANGE,
      "/etcdserverpb.KV/Put",
      "/etcdserverpb.KV/Txn",
      "/etcdserverpb.KV/Compact",
      "/etcdserverpb.Maintenance/Status",
      "/etcdserverpb.Cluster/MemberList",
      "/grpc.health.v1.Health/Check",
      "/etcdserverpb.Watch/Watch"
    };
    fixture.group.watches =
        requests -> requests.take(1).map(r -> WatchResponse.getDefaultInstance());
    try (RawHttp2 raw = new RawHttp2(fixture.port())) {
      int stream = 1;
      for (int i = 0; i < 2_000; i++, stream += 2) {
        String path = paths[random.nextInt(paths.length)];
        raw.request(stream, path, "grpc-timeout", "200m");
        byte[] body =
            RawHttp2.message(random.nextInt(20) == 0 ? random.nextInt(256) : 0, payload(random));
        if (random.nextInt(4) == 0) {
          body[random.nextInt(5)] ^= (byte) (1 << random.nextInt(8));
        }
        raw.frame(RawHttp2.DATA, RawHttp2.END_STREAM, stream, body);
        Answer answer = raw.answer(stream);
        assertTrue(
            answer.headers().containsKey("grpc-status"),
            path + " " + Arrays.toString(body) + ": -Dkvorum.seed=" + seed);
      }
    }
  }

  private static byte[] payload(Random random) {
    byte[] payload;
    if (random.nextBoolean()) {
      payload = new byte[random.nextInt(40)];
      random.nextBytes(payload);
    } else {
      payload =
          PutRequest.newBuilder()
              .setKey(ByteString.copyFromUtf8("key" + random.nextInt(10)))
              .setValue(ByteString.copyFromUtf8("value"))
              .setLease(random.nextLong())
              .build()
              .toByteArray();
      for (int flips = random.nextInt(4); flips > 0; flips--) {
        payload[random.nextInt(payload.length)] ^= (byte) (1 << random.nextInt(8));
      }
    }
    return payload;
  }

  /** HTTP/1.1 in pieces, pipelined and cut off. */
  @Test
  void oddHttp1() throws IOException {
    try (Socket socket = new Socket("127.0.0.1", fixture.port())) {
      socket.setSoTimeout(20_000);
      OutputStream out = socket.getOutputStream();
      for (byte b : "GET /health HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.UTF_8)) {
        out.write(b);
        out.flush();
      }
      byte[] first = new byte[15];
      assertEquals(15, socket.getInputStream().readNBytes(first, 0, 15));
      assertEquals("HTTP/1.1 200 OK", new String(first, StandardCharsets.UTF_8));
    }
    try (Socket socket = new Socket("127.0.0.1", fixture.port())) {
      socket.setSoTimeout(20_000);
      socket
          .getOutputStream()
          .write(
              ("GET /health HTTP/1.1\r\nHost: x\r\nBig: " + "x".repeat(40_000) + "\r\n\r\n")
                  .getBytes(StandardCharsets.UTF_8));
      byte[] first = new byte[12];
      assertEquals(12, socket.getInputStream().readNBytes(first, 0, 12));
      assertTrue(new String(first, StandardCharsets.UTF_8).startsWith("HTTP/1.1 4"));
    }
  }
}
