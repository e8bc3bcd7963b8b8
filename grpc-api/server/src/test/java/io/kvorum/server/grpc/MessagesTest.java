package io.kvorum.server.grpc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.Status;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.RequestOp;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.apache.pekko.util.ByteString;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class MessagesTest {
  private static final int MAX_BYTES = 1_000;

  /** Fields 2 of TxnRequest and 4 of RequestOp, length-delimited. */
  private static final int SUCCESS_TAG = 0x12;

  private static final int REQUEST_TXN_TAG = 0x22;

  @Test
  void aFrameIsReadBack() throws InvalidProtocolBufferException {
    PutRequest put =
        PutRequest.newBuilder()
            .setKey(com.google.protobuf.ByteString.copyFromUtf8("k"))
            .setLease(-1)
            .build();
    byte[] message = Messages.single(Messages.frame(put), MAX_BYTES, null);
    assertEquals(put, Messages.parse(PutRequest.parser(), message));
  }

  @Test
  void anEmptyMessageIsAMessage() {
    assertArrayEquals(new byte[0], Messages.single(framed(0, new byte[0]), MAX_BYTES, null));
  }

  @Test
  void theLimitIsInclusive() {
    assertEquals(
        MAX_BYTES, Messages.single(framed(0, new byte[MAX_BYTES]), MAX_BYTES, null).length);
    assertRefused(
        "RESOURCE_EXHAUSTED: grpc: received message larger than max (1001 vs. 1000)",
        framed(0, new byte[MAX_BYTES + 1]),
        null);
  }

  @Test
  void aSizeIsJudgedByThePrefixAloneAndUnsigned() {
    assertRefused(
        "RESOURCE_EXHAUSTED: grpc: received message larger than max (4294967295 vs. 1000)",
        ByteString.fromInts(0, 0xff, 0xff, 0xff, 0xff),
        null);
  }

  @Test
  void otherThanExactlyOneMessageIsRefused() {
    assertRefused("UNKNOWN: EOF", ByteString.emptyByteString(), null);
    assertRefused("UNKNOWN: unexpected EOF", ByteString.fromInts(0, 0, 0), null);
    assertRefused("UNKNOWN: unexpected EOF", framed(0, new byte[9]).dropRight(1), null);
    assertRefused(
        "INTERNAL: grpc: received more than one message of a unary request",
        framed(0, new byte[3]).concat(framed(0, new byte[3])),
        null);
    assertRefused(
        "UNKNOWN: unexpected EOF", framed(0, new byte[3]).concat(ByteString.fromInts(0)), null);
  }

  @Test
  void compressionIsAsTheHeaderAndTheFlagSay() throws IOException {
    byte[] text = "abc".repeat(100).getBytes(StandardCharsets.UTF_8);
    assertArrayEquals(text, Messages.single(framed(1, gzip(text)), MAX_BYTES, "gzip"));
    assertArrayEquals(text, Messages.single(framed(0, text), MAX_BYTES, "gzip"));
    assertRefused(
        "INTERNAL: grpc: compressed flag set with identity or empty encoding",
        framed(1, text),
        null);
    assertRefused(
        "INTERNAL: grpc: compressed flag set with identity or empty encoding",
        framed(1, text),
        "identity");
    assertRefused(
        "UNIMPLEMENTED: grpc: Decompressor is not installed for grpc-encoding \"snappy\"",
        framed(1, text),
        "snappy");
    assertRefused(
        "INTERNAL: grpc: received unexpected payload format 128", framed(128, text), null);
    assertRefused(
        "INTERNAL: grpc: failed to decompress the message: Not in GZIP format",
        framed(1, text),
        "gzip");
  }

  @Test
  void aSmallPayloadThatExpandsIsStoppedAtTheLimit() throws IOException {
    assertRefused(
        "RESOURCE_EXHAUSTED: grpc: received message after decompression larger than max 1000",
        framed(1, gzip(new byte[100_000])),
        "gzip");
  }

  @Test
  void messagesArriveHoweverTheBytesAreCut() {
    long seed = Long.getLong("kvorum.seed", System.nanoTime());
    Random random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      List<byte[]> sent = new ArrayList<>();
      ByteString wire = ByteString.emptyByteString();
      for (int i = random.nextInt(5); i > 0; i--) {
        byte[] message = new byte[random.nextInt(60_000)];
        random.nextBytes(message);
        sent.add(message);
        wire = wire.concat(framed(0, message));
      }
      List<byte[]> received = new ArrayList<>();
      MessageAssembler assembler = new MessageAssembler(60_000, null);
      while (!wire.isEmpty()) {
        int n = 1 + random.nextInt(Math.min(wire.size(), random.nextBoolean() ? 7 : 40_000));
        assembler.feed(wire.take(n), received::add);
        wire = wire.drop(n);
      }
      String replay = "-Dkvorum.seed=" + seed;
      assertTrue(assembler.betweenMessages(), replay);
      assertEquals(sent.size(), received.size(), replay);
      for (int i = 0; i < sent.size(); i++) {
        assertArrayEquals(sent.get(i), received.get(i), replay);
      }
    }
  }

  @Test
  void theDeepestTxnThatPassesValidationIsRead() throws InvalidProtocolBufferException {
    TxnRequest txn = TxnRequest.getDefaultInstance();
    for (int depth = 0; depth < 128; depth++) {
      txn = TxnRequest.newBuilder().addSuccess(RequestOp.newBuilder().setRequestTxn(txn)).build();
    }
    assertEquals(txn, Messages.parse(TxnRequest.parser(), txn.toByteArray()));
  }

  @Test
  void nestingWithoutEndIsRefusedNotOverflown() {
    byte[] message = new byte[0];
    for (int depth = 0; depth < 10_000; depth++) {
      message = lengthDelimited(SUCCESS_TAG, lengthDelimited(REQUEST_TXN_TAG, message));
    }
    byte[] nested = message;
    assertThrows(
        InvalidProtocolBufferException.class, () -> Messages.parse(TxnRequest.parser(), nested));
  }

  private static byte[] lengthDelimited(int tag, byte[] inner) {
    int length = inner.length;
    ByteArrayOutputStream out = new ByteArrayOutputStream(length + 6);
    out.write(tag);
    while (length > 0x7f) {
      out.write(0x80 | (length & 0x7f));
      length >>>= 7;
    }
    out.write(length);
    out.writeBytes(inner);
    return out.toByteArray();
  }

  @Test
  void statusTextsArePercentEncoded() {
    assertEquals("plain ~ text", GrpcResponses.percentEncoded("plain ~ text"));
    assertEquals("100%25%0A%C3%A9", GrpcResponses.percentEncoded("100%\né"));
  }

  private static ByteString framed(int flags, byte[] payload) {
    byte[] frame = new byte[Messages.PREFIX_BYTES + payload.length];
    ByteBuffer.wrap(frame).put((byte) flags).putInt(payload.length).put(payload);
    return ByteString.fromArray(frame);
  }

  private static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    }
    return out.toByteArray();
  }

  private static void assertRefused(String expected, ByteString data, @Nullable String encoding) {
    RpcFailure refused =
        assertThrows(RpcFailure.class, () -> Messages.single(data, MAX_BYTES, encoding));
    Status status = refused.status();
    assertEquals(expected, status.getCode() + ": " + status.getDescription());
  }
}
