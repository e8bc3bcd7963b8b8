package io.kvorum.persistence.wal;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The log's keys and values. Numbers are big endian, so that LevelDB's order of keys is theirs.
 *
 * <pre>
 * 0                            format of the whole database: 1 byte
 * 1, persistence id (UTF-8)    its number: 4 bytes
 * 2, number (4), sequence (8)  unique id of the writer of the events from this sequence on (UTF-8)
 * 3, number (4)                every event up to this sequence is deleted: 8 bytes
 * 4, number (4), sequence (8)  an event
 * </pre>
 *
 * An event is: version (1), flags (1), CRC-32C of its key and all the rest (4), then what the flags
 * name, then the payload.
 */
@SuppressWarnings("ArrayRecordComponent") // the records carry bytes and are never compared
final class WalFormat {

  static final byte FORMAT = 1;

  static final byte[] FORMAT_KEY = {0};
  static final byte PERSISTENCE_IDS = 1;
  static final byte WRITERS = 2;
  static final byte DELETED = 3;
  static final byte EVENTS = 4;

  private static final byte EVENT_VERSION = 1;

  /**
   * The payload went through a serializer, whose id (4) and manifest (text) stand before it; else
   * it is a {@link WalRecord}.
   */
  private static final int SERIALIZED = 1;

  /** The event adapter's manifest: text. */
  private static final int ADAPTER_MANIFEST = 1 << 1;

  /** A time stamp: 8 bytes. */
  private static final int TIMESTAMP = 1 << 2;

  /** Metadata: serializer id (4), manifest (text), bytes with their length (4) before them. */
  private static final int METADATA = 1 << 3;

  /**
   * The event was rejected and is not stored; this only holds its place, so that no number is
   * missing.
   */
  private static final int REJECTED = 1 << 4;

  private static final int CRC_AT = 2;
  private static final int HEAD_BYTES = 6;
  private static final int EVENT_KEY_BYTES = 13;

  private WalFormat() {}

  /** Bytes and how to make an object of them again. */
  record Serialized(int serializerId, String manifest, byte[] bytes) {}

  /**
   * An event as it is stored.
   *
   * @param serializerId of the payload, if it is not {@code raw}
   * @param raw the payload is a {@link WalRecord}'s bytes
   */
  record Event(
      boolean rejected,
      boolean raw,
      int serializerId,
      String manifest,
      String adapterManifest,
      long timestamp,
      @Nullable Serialized metadata,
      byte[] payload) {

    private static final byte[] NOTHING = {};

    static Event raw(byte[] payload) {
      return new Event(false, true, 0, "", "", 0, null, payload);
    }

    static Event ofRejected() {
      return new Event(true, true, 0, "", "", 0, null, NOTHING);
    }
  }

  static byte[] persistenceIdKey(String persistenceId) {
    byte[] text = persistenceId.getBytes(UTF_8);
    return ByteBuffer.allocate(1 + text.length).put(PERSISTENCE_IDS).put(text).array();
  }

  static byte[] key(byte table, int number, long sequence) {
    return ByteBuffer.allocate(EVENT_KEY_BYTES).put(table).putInt(number).putLong(sequence).array();
  }

  static byte[] deletedKey(int number) {
    return ByteBuffer.allocate(5).put(DELETED).putInt(number).array();
  }

  static long sequenceOf(byte[] key) {
    return ByteBuffer.wrap(key).getLong(5);
  }

  /** Whether this is a key of that table, and of that log. */
  static boolean belongs(byte[] key, byte table, int number) {
    return key.length == EVENT_KEY_BYTES
        && key[0] == table
        && ByteBuffer.wrap(key).getInt(1) == number;
  }

  static byte[] encode(byte[] key, Event event) {
    byte[] manifest = event.manifest.getBytes(UTF_8);
    byte[] adapterManifest = event.adapterManifest.getBytes(UTF_8);
    Serialized metadata = event.metadata;
    byte[] metadataManifest = metadata == null ? Event.NOTHING : metadata.manifest.getBytes(UTF_8);
    int flags =
        (event.raw ? 0 : SERIALIZED)
            | (adapterManifest.length == 0 ? 0 : ADAPTER_MANIFEST)
            | (event.timestamp == 0 ? 0 : TIMESTAMP)
            | (metadata == null ? 0 : METADATA)
            | (event.rejected ? REJECTED : 0);
    int length =
        HEAD_BYTES
            + (event.raw ? 0 : 8 + manifest.length)
            + (adapterManifest.length == 0 ? 0 : 4 + adapterManifest.length)
            + (event.timestamp == 0 ? 0 : 8)
            + (metadata == null ? 0 : 12 + metadataManifest.length + metadata.bytes.length)
            + event.payload.length;
    ByteBuffer out = ByteBuffer.allocate(length).put(EVENT_VERSION).put((byte) flags).putInt(0);
    if (!event.raw) {
      putText(out.putInt(event.serializerId), manifest);
    }
    if (adapterManifest.length > 0) {
      putText(out, adapterManifest);
    }
    if (event.timestamp != 0) {
      out.putLong(event.timestamp);
    }
    if (metadata != null) {
      putText(putText(out.putInt(metadata.serializerId), metadataManifest), metadata.bytes);
    }
    byte[] value = out.put(event.payload).array();
    out.putInt(CRC_AT, crc(key, value));
    return value;
  }

  /** What is wrong with a stored event. */
  static final class DamagedEventException extends Exception {
    private static final long serialVersionUID = 1L;

    DamagedEventException(String what) {
      super(what);
    }
  }

  static Event decode(byte[] key, byte[] value) throws DamagedEventException {
    if (value.length < HEAD_BYTES) {
      throw new DamagedEventException("it has only " + value.length + " bytes");
    }
    if (value[0] != EVENT_VERSION) {
      throw new DamagedEventException(
          "its version is " + value[0] + " where this program knows " + EVENT_VERSION);
    }
    ByteBuffer in = ByteBuffer.wrap(value);
    if (in.getInt(CRC_AT) != crc(key, value)) {
      throw new DamagedEventException("checksum mismatch");
    }
    try {
      return decode(in.position(HEAD_BYTES), value[1]);
    } catch (BufferUnderflowException e) {
      throw new DamagedEventException("it is shorter than its own fields say");
    }
  }

  private static Event decode(ByteBuffer in, int flags) {
    boolean raw = (flags & SERIALIZED) == 0;
    int serializerId = raw ? 0 : in.getInt();
    String manifest = raw ? "" : new String(bytes(in), UTF_8);
    String adapterManifest = (flags & ADAPTER_MANIFEST) == 0 ? "" : new String(bytes(in), UTF_8);
    long timestamp = (flags & TIMESTAMP) == 0 ? 0 : in.getLong();
    Serialized metadata =
        (flags & METADATA) == 0
            ? null
            : new Serialized(in.getInt(), new String(bytes(in), UTF_8), bytes(in));
    byte[] payload = new byte[in.remaining()];
    in.get(payload);
    return new Event(
        (flags & REJECTED) != 0,
        raw,
        serializerId,
        manifest,
        adapterManifest,
        timestamp,
        metadata,
        payload);
  }

  private static ByteBuffer putText(ByteBuffer out, byte[] text) {
    return out.putInt(text.length).put(text);
  }

  private static byte[] bytes(ByteBuffer in) {
    int length = in.getInt();
    if (length < 0 || length > in.remaining()) {
      throw new BufferUnderflowException();
    }
    byte[] bytes = new byte[length];
    in.get(bytes);
    return bytes;
  }

  /**
   * Of everything but the checksum itself; the key too, so that an event in another's place is
   * noticed.
   */
  private static int crc(byte[] key, byte[] value) {
    CRC32C crc = new CRC32C();
    crc.update(key, 0, key.length);
    crc.update(value, 0, CRC_AT);
    crc.update(value, HEAD_BYTES, value.length - HEAD_BYTES);
    return (int) crc.getValue();
  }
}
