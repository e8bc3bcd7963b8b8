package io.kvorum.actors.divergence;

import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.persistence.mvcc.RevisionChain;
import io.kvorum.persistence.mvcc.RevisionDigest;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.ChainAnswer;
import io.kvorum.protocol.internal.ChainQuestion;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * What the leader knows of how the other members' chains compare with its own. Knows no time but
 * rounds, in each of which every member is asked once; asks nobody itself. One thread.
 *
 * <p>It never names a member that holds the same as the others: the hash at a revision follows from
 * the log alone, so it does not matter how far a member is, how it got there, who leads, or how old
 * an answer is.
 */
public final class DivergenceDetector {
  /** In this many rounds a ballot hears all who can be heard. */
  static final int BALLOT_ROUNDS = 5;

  /** As long as members differ it is said again after so many rounds. */
  static final int REPEAT_ROUNDS = 60;

  private final MemberId self;
  private final RevisionChain own;
  private final Map<MemberId, Comparison> comparisons = new HashMap<>();

  /** At most one for each other member, by that member. */
  private final Map<MemberId, Voting> ballots = new HashMap<>();

  /** When it was last said, by the suspect. */
  private final Map<MemberId, Integer> said = new HashMap<>();

  private int round;

  private record Voting(Ballot ballot, int until) {}

  public DivergenceDetector(MemberId self, RevisionChain own) {
    this.self = self;
    this.own = own;
  }

  /** The chain that the others are compared with. */
  public RevisionChain own() {
    return own;
  }

  /** Another round begins; members that are not in the configuration are forgotten. */
  public void nextRound(Configuration configuration) {
    round++;
    comparisons.keySet().removeIf(member -> !isMember(configuration, member));
    ballots.keySet().retainAll(comparisons.keySet());
    said.keySet().retainAll(comparisons.keySet());
    comparisons.forEach(this::judge);
  }

  private static boolean isMember(Configuration configuration, MemberId member) {
    return configuration.voters().contains(member) || configuration.learners().contains(member);
  }

  private void judge(MemberId member, Comparison comparison) {
    Integer last = said.get(member);
    if (comparison.isNarrowed()
        && !ballots.containsKey(member)
        && (last == null || round - last >= REPEAT_ROUNDS)) {
      ballots.put(
          member, new Voting(new Ballot(self, own, member, comparison), round + BALLOT_ROUNDS));
    }
  }

  public ChainQuestion question(MemberId member) {
    ChainQuestion.Builder question = ChainQuestion.newBuilder().setUpTo(own.head().revision());
    ballots.values().forEach(voting -> question.addAllRevisions(voting.ballot().revisions()));
    Comparison comparison = comparisons.get(member);
    if (comparison != null) {
      for (long revision : comparison.picks()) {
        question.addRevisions(revision);
      }
    }
    return question.build();
  }

  /**
   * What a member has answered.
   *
   * @return whether it should be asked again at once
   */
  public boolean heard(MemberId member, ChainAnswer answer) {
    if (answer.getForm() != RevisionDigest.FORM) {
      return false;
    }
    Comparison comparison = comparisons.get(member);
    if (comparison != null) {
      comparison.heard(answer);
    }
    if (comparison == null || !comparison.isAbout(answer)) {
      comparison = beginAnew(member, answer);
    }
    for (Voting voting : ballots.values()) {
      voting.ballot().heard(member, answer, comparison);
    }
    if (comparison == null) {
      return false;
    }
    boolean waitsForBallot = comparison.isNarrowed() && !ballots.containsKey(member);
    judge(member, comparison);
    return comparison.isSearching() || (waitsForBallot && ballots.containsKey(member));
  }

  private @Nullable Comparison beginAnew(MemberId member, ChainAnswer answer) {
    ballots.remove(member);
    said.remove(member);
    Comparison comparison = Comparison.begin(own, answer);
    if (comparison == null) {
      comparisons.remove(member);
    } else {
      comparisons.put(member, comparison);
      comparison.heard(answer);
    }
    return comparison;
  }

  /** What has been found out since it was last asked for. */
  public List<Divergence> found(Configuration configuration) {
    List<Divergence> found = new ArrayList<>();
    for (Iterator<Voting> open = ballots.values().iterator(); open.hasNext(); ) {
      Voting voting = open.next();
      switch (voting.ballot().result(configuration, round >= voting.until())) {
        case Ballot.Open waiting -> {}
        case Ballot.Void nothing -> {
          open.remove();
          comparisons.remove(voting.ballot().suspect());
        }
        case Ballot.Decided(var divergence) -> {
          open.remove();
          said.put(divergence.suspect(), round);
          found.add(divergence);
        }
      }
    }
    return found;
  }

  /** Up to which revision a member is known to hold the same as this one. */
  public OptionalLong agreed(MemberId member) {
    Comparison comparison = comparisons.get(member);
    return comparison == null ? OptionalLong.empty() : OptionalLong.of(comparison.agreed());
  }

  /** The oldest revision at which a member is known to hold something else than this one. */
  public OptionalLong differing(MemberId member) {
    Comparison comparison = comparisons.get(member);
    return comparison == null || comparison.differing() == Comparison.NONE
        ? OptionalLong.empty()
        : OptionalLong.of(comparison.differing());
  }
}
