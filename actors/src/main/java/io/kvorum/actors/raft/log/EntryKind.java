package io.kvorum.actors.raft.log;

/** What an entry carries. The numbers are written to disk and sent to peers: never changed. */
public enum EntryKind {
  /**
   * Nothing: a new leader's first entry (thesis 3.6.2), or a membership change that was not
   * allowed.
   */
  EMPTY(0),
  /** A {@code kvorum.Command} for the state machine. */
  COMMAND(1),
  /** A {@code kvorum.MembershipChange}. */
  MEMBERSHIP(2);

  private static final EntryKind[] BY_NUMBER = values();

  private final int number;

  EntryKind(int number) {
    this.number = number;
  }

  /** The number on disk and on the wire. */
  public int number() {
    return number;
  }

  /**
   * The kind with this number.
   *
   * @throws IllegalArgumentException if a later version wrote it
   */
  public static EntryKind of(int number) {
    if (number < 0 || number >= BY_NUMBER.length) {
      throw new IllegalArgumentException("unknown kind of log entry: " + number);
    }
    return BY_NUMBER[number];
  }
}
