package io.kvorum.actors.group;

import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.Member;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;

/**
 * Changes of who takes part in a group, and who leads it. A change is answered when this member has
 * applied it and its replica counts by it; the answer is the members afterwards, ascending by id.
 * Changes have no time limit but their caller's. Safe for any thread; nothing here blocks.
 */
public interface MemberAdministration {

  /** A new member, which has not started yet, and all of them. */
  record Added(Member member, List<Member> members) {}

  /**
   * Adds a member under a new id.
   *
   * @param peerUrls valid ones, where it is going to listen
   * @param learner whether it has no vote until it is promoted
   */
  CompletionStage<Outcome<Added>> add(List<String> peerUrls, boolean learner);

  /** Removes a member for good. */
  CompletionStage<Outcome<List<Member>>> remove(MemberId member);

  /** Says where a member listens from now on. */
  CompletionStage<Outcome<List<Member>>> update(MemberId member, List<String> peerUrls);

  /** Gives a learner a vote, if it has nearly all of the leader's log. */
  CompletionStage<Outcome<List<Member>>> promote(MemberId member);

  /**
   * Hands leadership to a voter; refused by whoever does not lead. Answered when it leads, or when
   * the request timeout has passed.
   */
  CompletionStage<Outcome<Done>> moveLeader(MemberId to);
}
