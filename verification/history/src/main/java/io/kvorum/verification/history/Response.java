package io.kvorum.verification.history;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a client was told. */
public sealed interface Response {

  /** The store's revision as the header gave it: a write's own, or the newest that a read saw. */
  long revision();

  /** A key's value with the revision that wrote it. */
  record Version(String value, long modRevision) {
    @Override
    public String toString() {
      return value + "@" + modRevision;
    }
  }

  /**
   * @param version null if the key does not exist
   */
  record Got(@Nullable Version version, long revision) implements Response {
    @Override
    public String toString() {
      return (version == null ? "nothing" : version.toString()) + " at revision " + revision;
    }
  }

  record Written(long revision) implements Response {
    @Override
    public String toString() {
      return "revision " + revision;
    }
  }

  /**
   * @param count keys deleted, 0 or 1
   */
  record Deleted(int count, long revision) implements Response {
    @Override
    public String toString() {
      return count + " deleted, revision " + revision;
    }
  }

  /**
   * @param responses of the branch that was taken, in order; what their own headers say is not
   *     looked at
   */
  record TxnDone(boolean succeeded, List<Response> responses, long revision) implements Response {
    public TxnDone {
      responses = List.copyOf(responses);
    }

    @Override
    public String toString() {
      return (succeeded ? "then " : "else ") + responses + " at revision " + revision;
    }
  }
}
