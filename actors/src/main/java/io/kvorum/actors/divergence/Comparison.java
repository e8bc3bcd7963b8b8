package io.kvorum.actors.divergence;

import io.kvorum.persistence.mvcc.RevisionChain;
import io.kvorum.protocol.internal.ChainAnswer;
import io.kvorum.protocol.internal.ChainCheckpoint;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * How another member's chain compares with this member's: up to where they agree, and once they do
 * not, between which two revisions they parted.
 *
 * <p>Chains of the same origin are equal as long as their members agree. Others differ by a
 * constant, which is what they differ by when they are first compared.
 */
final class Comparison {
  /** While there is no such revision. */
  static final long NONE = -1;

  /** Asked for in one step: 65,536 revisions are searched in three. */
  private static final int PICKS = 64;

  private final RevisionChain own;
  private final long origin;
  private final long difference;

  /** From where on the two can be compared. */
  private final long start;

  private long agreed;
  private long ownAtAgreed;
  private long differing = NONE;
  private long foundAtIndex = Long.MAX_VALUE;
  private boolean narrowed;
  private boolean outdated;
  private long[] picks = {};

  private Comparison(RevisionChain own, long origin, long difference, long start, long ownAtStart) {
    this.own = own;
    this.origin = origin;
    this.difference = difference;
    this.start = start;
    this.agreed = start;
    this.ownAtAgreed = ownAtStart;
  }

  /** Null while there is nothing that both know. */
  static @Nullable Comparison begin(RevisionChain own, ChainAnswer answer) {
    long ownOrigin = own.head().origin();
    if (answer.getOrigin() == ownOrigin) {
      return new Comparison(own, ownOrigin, 0, ownOrigin, 0);
    }
    if (!answer.hasNewest()) {
      return null;
    }
    ChainCheckpoint theirs = answer.getNewest();
    OptionalLong mine = own.at(theirs.getRevision());
    return mine.isEmpty()
        ? null
        : new Comparison(
            own,
            answer.getOrigin(),
            mine.getAsLong() - theirs.getHash(),
            theirs.getRevision(),
            mine.getAsLong());
  }

  /** Whether what was found out still holds for a member that answers so. */
  boolean isAbout(ChainAnswer answer) {
    return !outdated && answer.getOrigin() == origin;
  }

  /** Whether the member is known to agree at this revision. */
  boolean agreesAt(long revision) {
    return start <= revision && revision <= agreed;
  }

  long agreed() {
    return agreed;
  }

  /** This member's own hash there. */
  long ownAtAgreed() {
    return ownAtAgreed;
  }

  /** {@link #NONE} as long as everything agrees. */
  long differing() {
    return differing;
  }

  /** What this member's hashes are ahead of the other's where they agree. */
  long difference() {
    return difference;
  }

  /** Both had applied the log up to here, and only one had the revision that differs. */
  long foundAtIndex() {
    return foundAtIndex;
  }

  /** Whether no revision in between is known to both. */
  boolean isNarrowed() {
    return narrowed;
  }

  /** Whether a difference is being narrowed. */
  boolean isSearching() {
    return differing != NONE && !narrowed;
  }

  /** The revisions to ask the member for next. */
  long[] picks() {
    picks = isSearching() ? own.between(agreed, differing, PICKS) : new long[0];
    narrowed |= isSearching() && picks.length == 0;
    return picks;
  }

  void heard(ChainAnswer answer) {
    boolean learned = false;
    for (ChainCheckpoint theirs : answer.getAskedList()) {
      learned |= learn(theirs);
    }
    narrowed |= isSearching() && picks.length > 0 && !learned;
    picks = new long[0];
    if (answer.hasNewest()) {
      learn(answer.getNewest());
    }
    noticeMissing(answer);
  }

  private boolean learn(ChainCheckpoint theirs) {
    long revision = theirs.getRevision();
    OptionalLong mine = own.at(revision);
    if (mine.isEmpty() || revision < start) {
      return false;
    }
    boolean same = mine.getAsLong() - theirs.getHash() == difference;
    return same ? agree(revision, mine.getAsLong()) : differ(revision);
  }

  private boolean agree(long revision, long mine) {
    if (differing != NONE && revision >= differing) {
      // Once apart, two chains never meet again: the member has got another one since.
      outdated = true;
      return false;
    }
    if (revision <= agreed) {
      return false;
    }
    agreed = revision;
    ownAtAgreed = mine;
    return true;
  }

  private boolean differ(long revision) {
    if (revision <= agreed) {
      // Likewise.
      outdated = true;
      return false;
    }
    if (differing != NONE && revision >= differing) {
      return false;
    }
    differing = revision;
    foundAtIndex = Long.MAX_VALUE;
    narrowed = false;
    return true;
  }

  /** The same entries must have led to the same number of revisions. */
  private void noticeMissing(ChainAnswer answer) {
    RevisionChain.Head head = own.head();
    long shorter = Math.min(head.revision(), answer.getAppliedRevision());
    if (differing == NONE
        && answer.getAppliedIndex() == head.index()
        && answer.getAppliedRevision() != head.revision()
        && agreed == shorter) {
      differing = shorter + 1;
      foundAtIndex = head.index();
      narrowed = true;
    }
  }
}
