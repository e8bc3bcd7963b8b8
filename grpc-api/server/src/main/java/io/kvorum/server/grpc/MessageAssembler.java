package io.kvorum.server.grpc;

import io.grpc.Status;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.Consumer;
import org.apache.pekko.util.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * Cuts the bytes of a request into messages as they arrive. A message's size is judged by its
 * prefix, before any of it is kept, and memory grows with what has arrived, not with what was
 * announced. Not thread safe.
 */
final class MessageAssembler {
  /** First allocation for a message; doubled while it arrives. */
  private static final int INITIAL_PAYLOAD_BYTES = 16 * 1024;

  private final int maxBytes;
  private final @Nullable String encoding;
  private final byte[] prefix = new byte[Messages.PREFIX_BYTES];
  private int prefixFill;
  private byte[] payload = new byte[0];
  private int payloadFill;
  private int payloadLength;

  MessageAssembler(int maxBytes, @Nullable String encoding) {
    this.maxBytes = maxBytes;
    this.encoding = encoding;
  }

  /** Takes the next bytes; hands each message that they complete to {@code messages}. */
  void feed(ByteString bytes, Consumer<byte[]> messages) {
    ByteBuffer in = bytes.asByteBuffer();
    while (in.hasRemaining() || prefixComplete()) {
      if (prefixComplete()) {
        readPayload(in);
        if (payloadFill < payloadLength) {
          return;
        }
        byte flags = prefix[0];
        byte[] whole = payload;
        payload = new byte[0];
        prefixFill = 0;
        messages.accept(Messages.decoded(flags, whole, maxBytes, encoding));
      } else {
        readPrefix(in);
      }
    }
  }

  /** Whether the bytes so far end at a message's end. */
  boolean betweenMessages() {
    return prefixFill == 0;
  }

  private boolean prefixComplete() {
    return prefixFill == Messages.PREFIX_BYTES;
  }

  private void readPrefix(ByteBuffer in) {
    int n = Math.min(in.remaining(), Messages.PREFIX_BYTES - prefixFill);
    in.get(prefix, prefixFill, n);
    prefixFill += n;
    if (!prefixComplete()) {
      return;
    }
    int length = ByteBuffer.wrap(prefix, 1, 4).getInt();
    if (length < 0 || length > maxBytes) {
      throw new RpcFailure(
          Status.RESOURCE_EXHAUSTED.withDescription(
              "grpc: received message larger than max ("
                  + Integer.toUnsignedLong(length)
                  + " vs. "
                  + maxBytes
                  + ")"));
    }
    payloadLength = length;
    payloadFill = 0;
    payload = new byte[Math.min(length, INITIAL_PAYLOAD_BYTES)];
  }

  private void readPayload(ByteBuffer in) {
    int n = Math.min(in.remaining(), payloadLength - payloadFill);
    if (payloadFill + n > payload.length) {
      int doubled = (int) Math.min((long) payload.length * 2, payloadLength);
      payload = Arrays.copyOf(payload, Math.max(payloadFill + n, doubled));
    }
    in.get(payload, payloadFill, n);
    payloadFill += n;
  }
}
