package io.kvorum.actors.watch;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.UnsafeByteOperations;
import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import io.kvorum.protocol.mvccpb.Event;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/**
 * One change of one key, as watchers receive it: encoded once, when the first of them needs it, as
 * the bytes that it takes in a {@link WatchResponse}. What nobody watches is never encoded. Any
 * thread.
 */
final class WatchEvent {
  private static final int OVERHEAD_BYTES = 96;

  /**
   * @param source the event, for as long as a form of it is still to be made
   * @param plain its field in a response, without the previous value
   * @param full the same with it; {@code plain} itself where there is none
   * @param knowsPrevious whether {@code source} holds the previous value if there was one
   */
  private record Form(
      ByteString key,
      @Nullable Event source,
      byte @Nullable [] plain,
      byte @Nullable [] full,
      boolean knowsPrevious) {}

  private final boolean put;
  private volatile Form form;

  private WatchEvent(Event event, boolean knowsPrevious) {
    this.put = event.getType() == Event.EventType.PUT;
    this.form = new Form(event.getKv().getKey(), event, null, null, knowsPrevious);
  }

  /** As the writer tells it; of a put it does not always know what it replaced. */
  static WatchEvent live(Event event) {
    return new WatchEvent(
        event,
        event.hasPrevKv()
            || event.getType() == Event.EventType.DELETE
            || event.getKv().getVersion() == 1);
  }

  /** As the revisions table tells it, which knows nothing of values before. */
  static WatchEvent past(Event event) {
    return new WatchEvent(
        event,
        event.getType() == Event.EventType.PUT
            && event.getKv().getCreateRevision() == event.getKv().getModRevision());
  }

  ByteString key() {
    return form.key();
  }

  boolean isPut() {
    return put;
  }

  boolean knowsPrevious() {
    return form.knowsPrevious();
  }

  /** Reads the value before, once for all who want it. Blocking. */
  synchronized void complete(ReadView view) {
    var now = form;
    var source = now.source();
    if (now.knowsPrevious() || source == null) {
      return;
    }
    // A value that a compaction may have taken is left out without a word, as etcd does.
    long before = source.getKv().getModRevision() - 1;
    var previous =
        before < view.compactedRevision() ? null : view.get(source.getKv().getKey(), before);
    var complete = previous == null ? source : source.toBuilder().setPrevKv(previous).build();
    form = new Form(now.key(), complete, now.plain(), null, true);
  }

  /**
   * The event as a field of a {@link WatchResponse}, tag and length included; not to be changed.
   */
  byte[] encoded(boolean withPrevious) {
    var now = form;
    var known = withPrevious ? now.full() : now.plain();
    return known != null ? known : encode(withPrevious);
  }

  private synchronized byte[] encode(boolean withPrevious) {
    var now = form;
    var known = withPrevious ? now.full() : now.plain();
    if (known != null) {
      return known;
    }
    var source = now.source();
    if (source == null) {
      throw new IllegalStateException("an event of " + now.key() + " without form and source");
    }
    var plain = now.plain();
    if (plain == null) {
      plain = field(source.hasPrevKv() ? source.toBuilder().clearPrevKv().build() : source);
    }
    var full = now.full();
    if (full == null) {
      if (!source.hasPrevKv()) {
        full = plain;
      } else if (withPrevious) {
        full = field(source);
      }
    }
    // The source may be a part of something larger, such as a whole transaction: not kept.
    boolean done = full != null && now.knowsPrevious();
    form =
        new Form(keyIn(plain, now.key()), done ? null : source, plain, full, now.knowsPrevious());
    return withPrevious && full != null ? full : plain;
  }

  private static byte[] field(Event event) {
    int size = event.getSerializedSize();
    var bytes =
        new byte
            [CodedOutputStream.computeTagSize(WatchResponse.EVENTS_FIELD_NUMBER)
                + CodedOutputStream.computeUInt32SizeNoTag(size)
                + size];
    var out = CodedOutputStream.newInstance(bytes);
    try {
      out.writeMessage(WatchResponse.EVENTS_FIELD_NUMBER, event);
    } catch (IOException e) {
      throw new UncheckedIOException("an event did not fit its own size", e);
    }
    out.checkNoSpaceLeft();
    return bytes;
  }

  /** The same key as a view of the encoded event, so that what it came from can go. */
  private static ByteString keyIn(byte[] encoded, ByteString key) {
    // field, length, [type,] kv, its length, key, its length: the key comes within a few bytes
    int first = key.isEmpty() ? 0 : key.byteAt(0);
    int last = Math.min(encoded.length - key.size(), 32);
    for (int at = 0; at <= last; at++) {
      if (encoded[at] == first && matches(encoded, at, key)) {
        return UnsafeByteOperations.unsafeWrap(encoded, at, key.size());
      }
    }
    return key;
  }

  private static boolean matches(byte[] encoded, int at, ByteString key) {
    for (int i = 0; i < key.size(); i++) {
      if (encoded[at + i] != key.byteAt(i)) {
        return false;
      }
    }
    return true;
  }

  /** About the memory that an event takes; cheaper than its encoded size. */
  static long bytes(Event event) {
    long bytes = OVERHEAD_BYTES + bytes(event.getKv());
    return event.hasPrevKv() ? bytes + bytes(event.getPrevKv()) : bytes;
  }

  private static long bytes(KeyValue kv) {
    return kv.getKey().size() + kv.getValue().size();
  }
}
