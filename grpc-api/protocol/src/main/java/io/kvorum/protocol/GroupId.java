package io.kvorum.protocol;

/**
 * One replicated group (tenant) of a process; part of every persistent key, actor name and raft
 * message. Group 0 is the default.
 */
public record GroupId(int value) {
  public static final GroupId DEFAULT = new GroupId(0);

  public GroupId {
    if (value < 0) {
      throw new IllegalArgumentException("group id must not be negative: " + value);
    }
  }
}
