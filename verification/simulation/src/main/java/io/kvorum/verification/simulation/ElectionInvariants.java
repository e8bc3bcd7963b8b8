package io.kvorum.verification.simulation;

import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.RaftMessage;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.LogRecord;
import java.util.HashMap;
import java.util.Map;

/**
 * Election safety (thesis figure 3.2): at most one leader per term, which follows from one vote per
 * member and term, whatever crashes lie between; and terms that never go back.
 */
final class ElectionInvariants implements Invariant {
  private record Ballot(MemberId voter, long term) {}

  private final Map<Long, MemberId> leaders = new HashMap<>();
  private final Map<Ballot, MemberId> votes = new HashMap<>();
  private final Map<MemberId, HardState> onDisk = new HashMap<>();

  @Override
  public void leads(Life life, long term) {
    MemberId other = leaders.putIfAbsent(term, life.id());
    Violation.check(
        other == null || other.equals(life.id()),
        "election safety",
        () -> "members " + other + " and " + life.id() + " lead term " + term);
  }

  @Override
  public void sent(MemberId from, MemberId to, RaftMessage message) {
    if (message instanceof RaftMessage.VoteResponse(var term, var granted, var preVote)
        && granted
        && !preVote) {
      votes(from, term, to);
    }
    if (message instanceof RaftMessage.VoteRequest(var term, var last, var preVote, var transfer)
        && !preVote) {
      votes(from, term, from);
    }
  }

  private void votes(MemberId voter, long term, MemberId candidate) {
    MemberId other = votes.putIfAbsent(new Ballot(voter, term), candidate);
    Violation.check(
        other == null || other.equals(candidate),
        "one vote per term",
        () -> voter + " voted for " + other + " and for " + candidate + " in term " + term);
  }

  @Override
  public void durable(Member member, LogRecord record) {
    HardState now = member.disk().content().hardState();
    HardState before = onDisk.put(member.id(), now);
    boolean kept =
        before == null
            || now.term() > before.term()
            || (now.term() == before.term()
                && (before.vote().equals(MemberId.NONE) || before.vote().equals(now.vote())));
    Violation.check(
        kept,
        "terms and votes are never forgotten",
        () -> member.id() + " wrote " + now + " over " + before);
  }
}
