package io.kvorum.actors.divergence;

import io.kvorum.persistence.mvcc.RevisionChain;
import io.kvorum.protocol.MemberId;
import java.util.HashMap;
import java.util.Map;

/**
 * A member that applies a log in which every entry makes a revision: entry n makes n + 1, unless
 * something is wrong with the member.
 */
final class ChainMember {
  final MemberId id;
  RevisionChain chain;

  /** What this member makes of an entry, where that is not what the others make of it. */
  private final Map<Long, Long> wrong = new HashMap<>();

  private long lost = -1;

  ChainMember(long id) {
    this.id = new MemberId(id);
    this.chain = new RevisionChain(new RevisionChain.Head(0, 1, 1, 0));
  }

  /** A chain that begins here instead of at revision 1. */
  ChainMember beginningAt(long revision) {
    chain = new RevisionChain(new RevisionChain.Head(revision - 1, revision, revision, 0));
    return this;
  }

  /** Writes something else than the others at a revision. */
  ChainMember wrongAt(long revision) {
    return wrongAt(revision, 666);
  }

  ChainMember wrongAt(long revision, long as) {
    wrong.put(revision, as);
    return this;
  }

  /** Makes no revision of the entry that makes this one elsewhere. */
  ChainMember losing(long revision) {
    lost = revision;
    return this;
  }

  ChainMember applyTo(long index) {
    while (chain.head().index() < index) {
      long entry = chain.head().index() + 1;
      if (entry == lost - 1) {
        chain.append(entry, new long[0], 0);
        continue;
      }
      long digest = wrong.getOrDefault(entry + 1, 0L) + (entry + 1) * 0x9e37_79b9_7f4a_7c15L;
      chain.append(entry, new long[] {chain.head().hash() + digest}, 1);
    }
    return this;
  }

  /** What stood in memory is gone. */
  ChainMember restart() {
    chain = new RevisionChain(chain.head());
    return this;
  }

  ChainMember install(ChainMember from) {
    chain = new RevisionChain(from.chain.head());
    wrong.clear();
    lost = -1;
    return this;
  }

  @Override
  public String toString() {
    return id.toString();
  }
}
