package io.kvorum.actors.divergence;

import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.persistence.mvcc.RevisionChain;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.ChainAnswer;
import io.kvorum.protocol.internal.ChainCheckpoint;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who is wrong about the revisions in which two members parted: each member says what it made of
 * them, and those are right with whom more than half of all voters agree. What a member held before
 * or did later does not matter, so that two that deviate in different revisions are judged apart.
 */
final class Ballot {
  /** What it has come to. */
  sealed interface Result {}

  /** More have to be heard. */
  record Open() implements Result {}

  /** The two do not differ any more, or one of them has forgotten. */
  record Void() implements Result {}

  record Decided(Divergence divergence) implements Result {}

  /**
   * What a member made of those revisions.
   *
   * @param sum of their digests, if it has them at all
   */
  private record Vote(boolean present, long sum) {
    static final Vote MISSING = new Vote(false, 0);
  }

  private final MemberId self;
  private final MemberId suspect;
  private final long agreed;
  private final long differing;
  private final long ownAtAgreed;
  private final long foundAtIndex;
  private final Map<MemberId, Vote> votes = new HashMap<>();

  /**
   * @param self who leads
   * @param found what parts it from the suspect
   */
  Ballot(MemberId self, RevisionChain own, MemberId suspect, Comparison found) {
    this.self = self;
    this.suspect = suspect;
    this.agreed = found.agreed();
    this.differing = found.differing();
    this.ownAtAgreed = found.ownAtAgreed();
    this.foundAtIndex = found.foundAtIndex();
    OptionalLong mine = own.at(differing);
    if (mine.isPresent()) {
      votes.put(self, new Vote(true, mine.getAsLong() - ownAtAgreed));
    } else if (isMissing(own.head().index(), own.head().revision())) {
      votes.put(self, Vote.MISSING);
    }
  }

  MemberId suspect() {
    return suspect;
  }

  List<Long> revisions() {
    return List.of(agreed, differing);
  }

  private boolean isMissing(long index, long revision) {
    return index >= foundAtIndex && revision < differing;
  }

  void heard(MemberId member, ChainAnswer answer, @Nullable Comparison comparison) {
    ChainCheckpoint before = at(agreed, answer);
    ChainCheckpoint after = at(differing, answer);
    if (after == null) {
      if (isMissing(answer.getAppliedIndex(), answer.getAppliedRevision())) {
        votes.put(member, Vote.MISSING);
      }
    } else if (before != null) {
      votes.put(member, new Vote(true, after.getHash() - before.getHash()));
    } else if (comparison != null && comparison.isAbout(answer) && comparison.agreesAt(agreed)) {
      votes.put(member, new Vote(true, after.getHash() + comparison.difference() - ownAtAgreed));
    }
  }

  private static @Nullable ChainCheckpoint at(long revision, ChainAnswer answer) {
    for (ChainCheckpoint checkpoint : answer.getAskedList()) {
      if (checkpoint.getRevision() == revision) {
        return checkpoint;
      }
    }
    return null;
  }

  /**
   * @param last whether nobody else will be heard
   */
  Result result(Configuration configuration, boolean last) {
    Vote theirs = votes.get(suspect);
    Vote ours = votes.get(self);
    if (theirs == null || ours == null) {
      return last ? new Void() : new Open();
    }
    if (theirs.equals(ours)) {
      return new Void();
    }
    Map<Vote, Integer> counted = new HashMap<>();
    int heard = 0;
    for (MemberId voter : configuration.voters()) {
      Vote vote = votes.get(voter);
      if (vote != null) {
        heard++;
        counted.merge(vote, 1, Integer::sum);
      }
    }
    for (Map.Entry<Vote, Integer> each : counted.entrySet()) {
      if (2 * each.getValue() > configuration.voters().size()) {
        return decided(allBut(each.getKey()));
      }
    }
    return last || heard == configuration.voters().size() ? decided(Set.of()) : new Open();
  }

  private Set<MemberId> allBut(Vote right) {
    Set<MemberId> wrong = new HashSet<>(votes.keySet());
    wrong.removeIf(member -> right.equals(votes.get(member)));
    return wrong;
  }

  private Result decided(Set<MemberId> deviating) {
    return new Decided(new Divergence(deviating, suspect, agreed, differing));
  }
}
