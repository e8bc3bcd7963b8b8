package io.kvorum.protocol;

/**
 * A member of a cluster: an unsigned 64-bit number, 0 meaning none. Printed in hex without leading
 * zeros, as etcd does.
 */
public record MemberId(long value) implements Comparable<MemberId> {
  public static final MemberId NONE = new MemberId(0);

  @Override
  public int compareTo(MemberId other) {
    return Long.compareUnsigned(value, other.value);
  }

  @Override
  public String toString() {
    return Long.toHexString(value);
  }
}
