package io.kvorum.actors.snapshot;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.LogPosition;

/**
 * What two members say to each other about one transfer. {@code id} names the transfer and was
 * chosen by the sender; who does not know it ignores the message. The sender repeats its offer
 * whenever nothing is heard; the answer says where to go on, so that any message may be lost.
 */
public sealed interface SnapshotMessage {
  /** No chunk carries more than this. */
  int MAX_CHUNK_BYTES = 256 << 10;

  long id();

  /**
   * The sender has a snapshot, or still has it. Answered by {@link Accept}, {@link Verified} or
   * {@link Abort}.
   *
   * @param term in which the sender leads
   * @param at the last log entry whose effects are in it
   * @param estimatedBytes about what it will take on disk
   */
  record Offer(long id, long term, LogPosition at, long estimatedBytes)
      implements SnapshotMessage {}

  /** The receiver has all chunks before this one, counted from 0, and wants the ones from it on. */
  record Accept(long id, long fromChunk) implements SnapshotMessage {}

  /**
   * One piece.
   *
   * @param crc32c over number and bytes
   */
  record Chunk(long id, long number, ByteString bytes, int crc32c) implements SnapshotMessage {}

  /** The receiver has written all chunks up to this one. */
  record Ack(long id, long upTo) implements SnapshotMessage {}

  /**
   * That was all. Answered by {@link Verified}, {@link Accept} if chunks are missing, or {@link
   * Abort}.
   *
   * @param chunks how many there were
   * @param sha256 over the bytes of all chunks
   */
  record Done(long id, long chunks, ByteString sha256) implements SnapshotMessage {}

  /** The receiver holds all of it, checked and synced. */
  record Verified(long id) implements SnapshotMessage {}

  /** Either side ends the transfer. */
  record Abort(long id, String reason) implements SnapshotMessage {}
}
