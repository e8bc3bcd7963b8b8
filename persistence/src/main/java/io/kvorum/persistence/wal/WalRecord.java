package io.kvorum.persistence.wal;

import java.util.Arrays;

/**
 * An event that is its bytes: the journal stores them as they are, without any serializer. The
 * array is not copied and must not be changed after this was made.
 */
public final class WalRecord {

  private final byte[] bytes;

  public WalRecord(byte[] bytes) {
    this.bytes = bytes;
  }

  public byte[] bytes() {
    return bytes;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof WalRecord that && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return "WalRecord(" + bytes.length + " bytes)";
  }
}
