package io.kvorum.persistence.leveldb;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What LevelDB's current manifest says about its logs. A manifest is itself a log file, of version
 * edits; a later edit overrides an earlier one.
 *
 * @param file the manifest
 * @param logNumber logs below this number are in tables already
 * @param previousLogNumber one more log that still counts; 0 for none
 * @param lastSequence a sequence number that had been given out when the manifest was last written;
 *     the logs may go beyond
 */
record Manifest(Path file, long logNumber, long previousLogNumber, long lastSequence) {

  // The tags of a version edit's fields.
  private static final int COMPARATOR = 1;
  private static final int LOG_NUMBER = 2;
  private static final int NEXT_FILE_NUMBER = 3;
  private static final int LAST_SEQUENCE = 4;
  private static final int COMPACT_POINTER = 5;
  private static final int DELETED_FILE = 6;
  private static final int NEW_FILE = 7;
  private static final int PREVIOUS_LOG_NUMBER = 9;

  /** The manifest that {@code CURRENT} names, or null in a directory without a database. */
  static @Nullable Path current(Path directory) throws IOException {
    Path current = directory.resolve("CURRENT");
    if (!Files.exists(current)) {
      return null;
    }
    String name = Files.readString(current, StandardCharsets.ISO_8859_1).strip();
    if (!name.startsWith("MANIFEST-") || name.contains("/")) {
      throw LogFileScanner.corrupt(current, 0, "it does not name a manifest");
    }
    Path file = directory.resolve(name);
    if (!Files.exists(file)) {
      throw LogFileScanner.corrupt(current, 0, "it names " + name + ", which is missing");
    }
    return file;
  }

  static boolean counts(@Nullable Manifest manifest, long logNumber) {
    return manifest == null
        || logNumber >= manifest.logNumber
        || (manifest.previousLogNumber != 0 && logNumber == manifest.previousLogNumber);
  }

  /** Adds up the edits of a manifest as they are read. */
  static final class Reader implements LogFile.Records {
    private final Path file;
    private long logNumber;
    private long previousLogNumber;
    private long lastSequence;

    Reader(Path file) {
      this.file = file;
    }

    Manifest manifest() {
      return new Manifest(file, logNumber, previousLogNumber, lastSequence);
    }

    @Override
    public @Nullable String accept(ByteBuffer edit) {
      while (edit.hasRemaining()) {
        int tag = (int) varint(edit);
        switch (tag) {
          case COMPARATOR -> skipBytes(edit);
          case LOG_NUMBER -> logNumber = varint(edit);
          case NEXT_FILE_NUMBER -> varint(edit);
          case LAST_SEQUENCE -> lastSequence = varint(edit);
          case PREVIOUS_LOG_NUMBER -> previousLogNumber = varint(edit);
          case COMPACT_POINTER -> {
            varint(edit);
            skipBytes(edit);
          }
          case DELETED_FILE -> {
            varint(edit);
            varint(edit);
          }
          case NEW_FILE -> {
            varint(edit);
            varint(edit);
            varint(edit);
            skipBytes(edit);
            skipBytes(edit);
          }
          default -> {
            return "unknown tag " + tag + " in a version edit";
          }
        }
      }
      return null;
    }

    private static long varint(ByteBuffer in) {
      long value = 0;
      for (int shift = 0; shift < Long.SIZE; shift += 7) {
        byte b = in.get();
        value |= (long) (b & 0x7f) << shift;
        if (b >= 0) {
          return value;
        }
      }
      throw new java.nio.BufferUnderflowException();
    }

    private static void skipBytes(ByteBuffer in) {
      int length = Math.toIntExact(varint(in));
      if (length < 0 || length > in.remaining()) {
        throw new java.nio.BufferUnderflowException();
      }
      in.position(in.position() + length);
    }
  }
}
