package io.kvorum.persistence.snapshot;

import java.nio.ByteBuffer;

/**
 * Takes a snapshot's stream apart, in pieces of any size. The form is in {@link SnapshotHeader}.
 */
final class SnapshotRows {

  /** A row is held in memory whole; no key and no value is larger. */
  static final int MAX_FIELD_BYTES = 1 << 30;

  private static final int MAX_VARINT_BYTES = 5;

  /** Receives what the stream holds. */
  interface Sink {
    void header(SnapshotHeader header);

    void row(byte[] key, byte[] value);
  }

  private enum Field {
    HEADER,
    KEY_LENGTH,
    VALUE_LENGTH,
    KEY,
    VALUE,
    COUNT,
    NOTHING
  }

  /** What the stream is called where it is damaged. */
  private final String name;

  private final Sink sink;
  private final long maxFieldBytes;
  private Field field = Field.HEADER;

  /** The field at hand, if it has a known length, and how much of it is there. */
  private byte[] bytes = new byte[SnapshotHeader.BYTES];

  private int filled;

  /** The length at hand, and how many of its bytes were read. */
  private long length;

  private int lengthBytes;
  private int keyLength;
  private int valueLength;
  private byte[] key = new byte[0];
  private long rows;

  SnapshotRows(Sink sink) {
    this("the snapshot", MAX_FIELD_BYTES, sink);
  }

  /**
   * @param name for messages
   * @param bytes how long the stream can be at most: no field of it is longer
   */
  SnapshotRows(String name, long bytes, Sink sink) {
    this.name = name;
    this.maxFieldBytes = Math.min(bytes, MAX_FIELD_BYTES);
    this.sink = sink;
  }

  /** Whether all of the stream has come. */
  boolean ended() {
    return field == Field.NOTHING;
  }

  void accept(ByteBuffer part) {
    acceptToEnd(part);
    if (part.hasRemaining()) {
      throw new SnapshotException(name + " goes on behind its end");
    }
  }

  /** As much of it as belongs to the stream; leaves what is behind its end. */
  void acceptToEnd(ByteBuffer part) {
    while (part.hasRemaining() && !ended()) {
      switch (field) {
        case HEADER, KEY, VALUE, COUNT -> fill(part);
        case KEY_LENGTH, VALUE_LENGTH -> length(part.get());
        case NOTHING -> throw new IllegalStateException("the stream has ended");
      }
    }
  }

  private void fill(ByteBuffer part) {
    int taken = Math.min(part.remaining(), bytes.length - filled);
    part.get(bytes, filled, taken);
    filled += taken;
    if (filled == bytes.length) {
      filledUp();
    }
  }

  private void length(byte next) {
    length |= (long) (next & 0x7f) << (7 * lengthBytes++);
    if (next < 0) {
      if (lengthBytes == MAX_VARINT_BYTES) {
        throw new SnapshotException(name + " holds a length that is none");
      }
      return;
    }
    if (length > maxFieldBytes) {
      throw new SnapshotException(
          name + " is cut off or damaged: it holds a field of " + length + " bytes");
    }
    int complete = (int) length;
    length = 0;
    lengthBytes = 0;
    if (field == Field.KEY_LENGTH) {
      keyLength = complete;
      field = Field.VALUE_LENGTH;
    } else {
      valueLength = complete;
      lengthsKnown();
    }
  }

  private void lengthsKnown() {
    if (keyLength == 0) {
      expect(Field.COUNT, Long.BYTES);
    } else {
      expect(Field.KEY, keyLength);
    }
  }

  private void expect(Field next, int size) {
    field = next;
    bytes = new byte[size];
    filled = 0;
    if (size == 0) {
      filledUp();
    }
  }

  private void filledUp() {
    switch (field) {
      case HEADER -> {
        sink.header(SnapshotHeader.decode(name, bytes));
        field = Field.KEY_LENGTH;
      }
      case KEY -> {
        key = bytes;
        expect(Field.VALUE, valueLength);
      }
      case VALUE -> {
        rows++;
        sink.row(key, bytes);
        field = Field.KEY_LENGTH;
      }
      case COUNT -> {
        long count = ByteBuffer.wrap(bytes).getLong();
        if (count != rows) {
          throw new SnapshotException(name + " has " + count + " rows, and " + rows + " came");
        }
        field = Field.NOTHING;
      }
      case KEY_LENGTH, VALUE_LENGTH, NOTHING ->
          throw new IllegalStateException("nothing is filled up in " + field);
    }
  }
}
