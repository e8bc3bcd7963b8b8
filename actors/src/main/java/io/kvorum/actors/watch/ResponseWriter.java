package io.kvorum.actors.watch;

import com.google.protobuf.CodedOutputStream;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.pekko.util.ByteString;

/**
 * Writes responses one behind the other. The bytes of events are those that all watchers share:
 * copied where they are few, since a write is cheaper than a piece of its own, and referred to
 * where they are many. One for each thread, which uses it from {@link #begin} to {@link #end}.
 */
final class ResponseWriter {
  private static final ThreadLocal<ResponseWriter> MINE =
      ThreadLocal.withInitial(ResponseWriter::new);

  /** Events from this size on are not copied. */
  private static final int LARGE_EVENT_BYTES = 4096;

  private static final int FIRST_CAPACITY = 8 << 10;

  /** Kept from one use to the next if it is not larger. */
  private static final int KEPT_CAPACITY = 128 << 10;

  private static final int TAG_HEADER = WatchResponse.HEADER_FIELD_NUMBER << 3 | 2;
  private static final int TAG_WATCH_ID = WatchResponse.WATCH_ID_FIELD_NUMBER << 3;
  private static final int TAG_FRAGMENT = WatchResponse.FRAGMENT_FIELD_NUMBER << 3;

  private byte[] scratch = new byte[FIRST_CAPACITY];
  private int size;
  private ByteString done = ByteString.emptyByteString();
  private int responses;

  private ResponseWriter() {}

  static ResponseWriter begin() {
    var writer = MINE.get();
    writer.size = 0;
    writer.done = ByteString.emptyByteString();
    writer.responses = 0;
    return writer;
  }

  ResponseChunk end() {
    flush();
    var chunk = new ResponseChunk(done, responses);
    done = ByteString.emptyByteString();
    if (scratch.length > KEPT_CAPACITY) {
      scratch = new byte[FIRST_CAPACITY];
    }
    return chunk;
  }

  boolean isEmpty() {
    return responses == 0;
  }

  int bytes() {
    return done.size() + size;
  }

  void add(WatchResponse response) {
    int length = response.getSerializedSize();
    prefix(length);
    reserve(length);
    try {
      response.writeTo(CodedOutputStream.newInstance(scratch, size, length));
    } catch (IOException e) {
      throw new UncheckedIOException("a response did not fit its own size", e);
    }
    size += length;
  }

  /**
   * A response with events.
   *
   * @param header encoded
   */
  void add(byte[] header, long id, List<WatchEvent> events, boolean previous) {
    add(header, id, false, events, previous, eventBytes(events, previous));
  }

  /**
   * The same in pieces below {@code bytesMax}, or of one event; all but the last say that more
   * follows. One piece if it is small enough or has one event.
   */
  void addFragments(
      byte[] header, long id, List<WatchEvent> events, boolean previous, long bytesMax) {
    long whole = headBytes(header, id, false) + eventBytes(events, previous);
    if (events.size() < 2 || whole < bytesMax) {
      add(header, id, events, previous);
      return;
    }
    long head = headBytes(header, id, true);
    var piece = new ArrayList<WatchEvent>();
    long bytes = head;
    for (var event : events) {
      int eventBytes = event.encoded(previous).length;
      if (!piece.isEmpty() && bytes + eventBytes >= bytesMax) {
        add(header, id, true, piece, previous, bytes - head);
        piece.clear();
        bytes = head;
      }
      piece.add(event);
      bytes += eventBytes;
    }
    add(header, id, false, piece, previous, bytes - head);
  }

  private void add(
      byte[] header,
      long id,
      boolean fragment,
      List<WatchEvent> events,
      boolean previous,
      long eventBytes) {
    int head = headBytes(header, id, fragment);
    prefix(Math.toIntExact(head + eventBytes));
    reserve(head);
    scratch[size++] = TAG_HEADER;
    varint(header.length);
    System.arraycopy(header, 0, scratch, size, header.length);
    size += header.length;
    if (id != 0) {
      scratch[size++] = TAG_WATCH_ID;
      varint(id);
    }
    if (fragment) {
      scratch[size++] = TAG_FRAGMENT;
      scratch[size++] = 1;
    }
    for (int i = 0; i < events.size(); i++) {
      bytes(events.get(i).encoded(previous));
    }
  }

  private static int headBytes(byte[] header, long id, boolean fragment) {
    return 1
        + CodedOutputStream.computeUInt32SizeNoTag(header.length)
        + header.length
        + (id == 0 ? 0 : 1 + CodedOutputStream.computeUInt64SizeNoTag(id))
        + (fragment ? 2 : 0);
  }

  private static long eventBytes(List<WatchEvent> events, boolean previous) {
    long bytes = 0;
    for (int i = 0; i < events.size(); i++) {
      bytes += events.get(i).encoded(previous).length;
    }
    return bytes;
  }

  private void prefix(int length) {
    responses++;
    reserve(ResponseChunk.PREFIX_BYTES);
    scratch[size++] = 0;
    scratch[size++] = (byte) (length >>> 24);
    scratch[size++] = (byte) (length >>> 16);
    scratch[size++] = (byte) (length >>> 8);
    scratch[size++] = (byte) length;
  }

  private void bytes(byte[] event) {
    if (event.length >= LARGE_EVENT_BYTES) {
      flush();
      done = done.concat(ByteString.fromArrayUnsafe(event));
      return;
    }
    reserve(event.length);
    System.arraycopy(event, 0, scratch, size, event.length);
    size += event.length;
  }

  private void varint(long value) {
    long rest = value;
    while ((rest & ~0x7fL) != 0) {
      scratch[size++] = (byte) (rest & 0x7f | 0x80);
      rest >>>= 7;
    }
    scratch[size++] = (byte) rest;
  }

  private void flush() {
    if (size > 0) {
      var piece = ByteString.fromArrayUnsafe(Arrays.copyOf(scratch, size));
      done = done.isEmpty() ? piece : done.concat(piece);
      size = 0;
    }
  }

  private void reserve(int more) {
    if (scratch.length - size < more) {
      scratch = Arrays.copyOf(scratch, Math.max(size + more, 2 * scratch.length));
    }
  }
}
