package io.kvorum.actors.watch;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * The hub's door to one client stream, with the stream's credit: what was handed over and has not
 * been taken by the client. The hub charges, the stream releases; both read it without a message,
 * since at full fan-out the acknowledgements would be as many as the deliveries.
 */
final class StreamPort {
  private final Consumer<HubReply> replies;
  private final int batchesMax;
  private final long bytesMax;
  private final AtomicInteger batches = new AtomicInteger();
  private final AtomicLong bytes = new AtomicLong();

  StreamPort(Consumer<HubReply> replies, int batchesMax, long bytesMax) {
    this.replies = replies;
    this.batchesMax = batchesMax;
    this.bytesMax = bytesMax;
  }

  void reply(HubReply reply) {
    replies.accept(reply);
  }

  /** Whether one more batch may be handed over; it may be larger than what is left. */
  boolean hasCredit() {
    return batches.get() < batchesMax && bytes.get() < bytesMax;
  }

  void charge(Batch batch) {
    batches.incrementAndGet();
    bytes.addAndGet(batch.bytes());
  }

  void release(Batch batch) {
    batches.decrementAndGet();
    bytes.addAndGet(-batch.bytes());
  }
}
