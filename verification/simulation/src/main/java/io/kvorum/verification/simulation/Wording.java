package io.kvorum.verification.simulation;

import io.kvorum.actors.apply.MembershipState;
import io.kvorum.actors.raft.RaftMessage;
import io.kvorum.actors.raft.ReplicaMessage;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.MembershipChange;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The few words in which traces and transcripts tell what happened. */
final class Wording {
  private Wording() {}

  static String of(Object what) {
    return switch (what) {
      case Sent(MemberId from, MemberId to, RaftMessage message) ->
          "-> " + to + "  " + message(message);
      case Lost(MemberId from, MemberId to, RaftMessage message) ->
          "-> " + to + "  lost: " + message(message);
      case Heard(MemberId from, RaftMessage message) -> "<- " + from + "  " + message(message);
      case Wrote(LogPosition last, long term, MemberId vote, List<Entry> entries) ->
          "synced term "
              + term
              + (vote.equals(MemberId.NONE) ? "" : " vote " + vote)
              + (entries.isEmpty() ? "" : " and " + entries(entries));
      case ReplicaMessage message -> message.toString();
      default -> what.toString();
    };
  }

  /** A message left its sender. */
  record Sent(MemberId from, MemberId to, RaftMessage message) {}

  /** A message will never arrive. */
  record Lost(MemberId from, MemberId to, RaftMessage message) {}

  /** A message has arrived. */
  record Heard(MemberId from, RaftMessage message) {}

  /** A write to the log has reached the disk. */
  record Wrote(LogPosition last, long term, MemberId vote, List<Entry> entries) {}

  static String message(RaftMessage message) {
    return switch (message) {
      case RaftMessage.VoteRequest(var term, var last, var preVote, var transfer) ->
          (preVote ? "would you vote for me in term " : "vote for me in term ")
              + term
              + (transfer ? ", the leader wants it" : "")
              + "; my log ends at "
              + at(last);
      case RaftMessage.VoteResponse(var term, var granted, var preVote) ->
          (granted ? (preVote ? "would vote in term " : "vote in term ") : "no, in term ") + term;
      case RaftMessage.Append(var term, var previous, var entries, var committed) ->
          "append in term "
              + term
              + " behind "
              + at(previous)
              + ": "
              + (entries.isEmpty() ? "nothing" : entries(entries))
              + "; committed "
              + committed;
      case RaftMessage.Appended(var term, var match) -> "have up to " + match + ", term " + term;
      case RaftMessage.AppendRejected(var term, var rejected, var hint) ->
          "cannot append behind " + rejected + ", try " + at(hint) + ", term " + term;
      case RaftMessage.Heartbeat(var term, var committed, var round) ->
          "heartbeat of term "
              + term
              + "; committed "
              + committed
              + (round == 0 ? "" : "; read round " + round);
      case RaftMessage.Committed(var term, var last) ->
          "committed in term " + term + " is " + at(last);
      case RaftMessage.HeartbeatResponse(var term, var round) ->
          "alive in term " + term + (round == 0 ? "" : "; read round " + round);
      case RaftMessage.Forward(var term, var proposals) ->
          "append for me " + proposals.size() + (proposals.size() == 1 ? " entry" : " entries");
      case RaftMessage.ReadIndexRequest(var term, var token) ->
          "at which index may I read? " + token;
      case RaftMessage.ReadIndexResponse(var term, var token, var index) ->
          "read at index " + index + ": " + token;
      case RaftMessage.TimeoutNow(var term) -> "take over from term " + term;
      case RaftMessage.Refused(var term, var ids, var error) ->
          "refused " + ids.size() + ": " + error.text();
    };
  }

  static String at(LogPosition position) {
    return position.index() + "/" + position.term();
  }

  static String entries(List<Entry> entries) {
    String kinds = entries.stream().limit(4).map(Wording::entry).collect(Collectors.joining(", "));
    return entries.size() > 4 ? kinds + ", ... up to " + at(entries.getLast().position()) : kinds;
  }

  static String entry(Entry entry) {
    return at(entry.position())
        + " "
        + switch (entry.kind()) {
          case EMPTY -> "empty";
          case COMMAND -> Store.describe(entry);
          case MEMBERSHIP -> change(MembershipState.change(entry));
        };
  }

  static String change(MembershipChange change) {
    return change.getKind().name().toLowerCase(Locale.ROOT).replace('_', ' ')
        + " "
        + new MemberId(change.getMemberId());
  }

  static String configuration(Configuration configuration) {
    String voters =
        configuration.voters().stream().map(MemberId::toString).collect(Collectors.joining(" "));
    String learners =
        configuration.learners().stream().map(MemberId::toString).collect(Collectors.joining(" "));
    return "voters " + voters + (learners.isEmpty() ? "" : ", learners " + learners);
  }
}
