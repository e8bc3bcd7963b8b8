package io.kvorum.actors.cluster;

import io.kvorum.actors.raft.Proposal;
import io.kvorum.actors.raft.RaftMessage;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.internal.LogBase;
import io.kvorum.protocol.internal.LogEntry;
import io.kvorum.protocol.internal.PeerAppend;
import io.kvorum.protocol.internal.PeerAppendRejected;
import io.kvorum.protocol.internal.PeerAppended;
import io.kvorum.protocol.internal.PeerCommitted;
import io.kvorum.protocol.internal.PeerEnvelope;
import io.kvorum.protocol.internal.PeerForward;
import io.kvorum.protocol.internal.PeerHeartbeat;
import io.kvorum.protocol.internal.PeerHeartbeatResponse;
import io.kvorum.protocol.internal.PeerProposal;
import io.kvorum.protocol.internal.PeerProposalsRefused;
import io.kvorum.protocol.internal.PeerReadIndexRequest;
import io.kvorum.protocol.internal.PeerReadIndexResponse;
import io.kvorum.protocol.internal.PeerTimeoutNow;
import io.kvorum.protocol.internal.PeerVoteRequest;
import io.kvorum.protocol.internal.PeerVoteResponse;
import java.util.ArrayList;
import java.util.List;

/** Raft's messages in an envelope. */
final class RaftCodec {
  private RaftCodec() {}

  static void put(PeerEnvelope.Builder envelope, RaftMessage message) {
    envelope.setTerm(message.term());
    switch (message) {
      case RaftMessage.VoteRequest m ->
          envelope.setVoteRequest(
              PeerVoteRequest.newBuilder()
                  .setLast(position(m.last()))
                  .setPreVote(m.preVote())
                  .setTransfer(m.transfer()));
      case RaftMessage.VoteResponse m ->
          envelope.setVoteResponse(
              PeerVoteResponse.newBuilder().setGranted(m.granted()).setPreVote(m.preVote()));
      case RaftMessage.Append m -> envelope.setAppend(append(m));
      case RaftMessage.Appended m ->
          envelope.setAppended(PeerAppended.newBuilder().setMatch(m.match()));
      case RaftMessage.AppendRejected m ->
          envelope.setAppendRejected(
              PeerAppendRejected.newBuilder()
                  .setRejected(m.rejected())
                  .setHint(position(m.hint())));
      case RaftMessage.Heartbeat m ->
          envelope.setHeartbeat(
              PeerHeartbeat.newBuilder().setCommitted(m.committed()).setRound(m.round()));
      case RaftMessage.Committed m ->
          envelope.setCommitted(PeerCommitted.newBuilder().setLast(position(m.last())));
      case RaftMessage.HeartbeatResponse m ->
          envelope.setHeartbeatResponse(PeerHeartbeatResponse.newBuilder().setRound(m.round()));
      case RaftMessage.Forward m -> envelope.setForward(forward(m));
      case RaftMessage.ReadIndexRequest m ->
          envelope.setReadIndexRequest(PeerReadIndexRequest.newBuilder().setToken(m.token()));
      case RaftMessage.ReadIndexResponse m ->
          envelope.setReadIndexResponse(
              PeerReadIndexResponse.newBuilder().setToken(m.token()).setIndex(m.index()));
      case RaftMessage.TimeoutNow m -> envelope.setTimeoutNow(PeerTimeoutNow.getDefaultInstance());
      case RaftMessage.Refused m ->
          envelope.setProposalsRefused(
              PeerProposalsRefused.newBuilder()
                  .addAllRequestIds(m.requestIds())
                  .setError(m.error().name()));
    }
  }

  /** The envelope must hold one of raft's bodies. */
  static RaftMessage get(PeerEnvelope envelope) {
    long term = envelope.getTerm();
    return switch (envelope.getBodyCase()) {
      case VOTE_REQUEST -> {
        PeerVoteRequest m = envelope.getVoteRequest();
        yield new RaftMessage.VoteRequest(
            term, position(m.getLast()), m.getPreVote(), m.getTransfer());
      }
      case VOTE_RESPONSE ->
          new RaftMessage.VoteResponse(
              term,
              envelope.getVoteResponse().getGranted(),
              envelope.getVoteResponse().getPreVote());
      case APPEND -> append(term, envelope.getAppend());
      case APPENDED -> new RaftMessage.Appended(term, envelope.getAppended().getMatch());
      case APPEND_REJECTED ->
          new RaftMessage.AppendRejected(
              term,
              envelope.getAppendRejected().getRejected(),
              position(envelope.getAppendRejected().getHint()));
      case HEARTBEAT ->
          new RaftMessage.Heartbeat(
              term, envelope.getHeartbeat().getCommitted(), envelope.getHeartbeat().getRound());
      case COMMITTED ->
          new RaftMessage.Committed(term, position(envelope.getCommitted().getLast()));
      case HEARTBEAT_RESPONSE ->
          new RaftMessage.HeartbeatResponse(term, envelope.getHeartbeatResponse().getRound());
      case FORWARD -> forward(term, envelope.getForward());
      case READ_INDEX_REQUEST ->
          new RaftMessage.ReadIndexRequest(term, envelope.getReadIndexRequest().getToken());
      case READ_INDEX_RESPONSE ->
          new RaftMessage.ReadIndexResponse(
              term,
              envelope.getReadIndexResponse().getToken(),
              envelope.getReadIndexResponse().getIndex());
      case TIMEOUT_NOW -> new RaftMessage.TimeoutNow(term);
      case PROPOSALS_REFUSED ->
          new RaftMessage.Refused(
              term,
              envelope.getProposalsRefused().getRequestIdsList(),
              EtcdError.valueOf(envelope.getProposalsRefused().getError()));
      default -> throw new IllegalArgumentException("no raft message: " + envelope.getBodyCase());
    };
  }

  private static PeerAppend append(RaftMessage.Append message) {
    PeerAppend.Builder append =
        PeerAppend.newBuilder()
            .setPrevious(position(message.previous()))
            .setCommitted(message.committed());
    for (Entry entry : message.entries()) {
      append.addEntries(
          LogEntry.newBuilder()
              .setIndex(entry.index())
              .setTerm(entry.term())
              .setKind(entry.kind().number())
              .setPayload(entry.payload()));
    }
    return append.build();
  }

  private static RaftMessage append(long term, PeerAppend append) {
    List<Entry> entries = new ArrayList<>(append.getEntriesCount());
    for (LogEntry entry : append.getEntriesList()) {
      entries.add(
          new Entry(
              entry.getIndex(),
              entry.getTerm(),
              EntryKind.of(entry.getKind()),
              entry.getPayload()));
    }
    return new RaftMessage.Append(
        term, position(append.getPrevious()), entries, append.getCommitted());
  }

  private static PeerForward forward(RaftMessage.Forward message) {
    PeerForward.Builder forward = PeerForward.newBuilder();
    for (Proposal proposal : message.proposals()) {
      forward.addProposals(
          PeerProposal.newBuilder()
              .setRequestId(proposal.requestId())
              .setKind(proposal.kind().number())
              .setPayload(proposal.payload()));
    }
    return forward.build();
  }

  private static RaftMessage forward(long term, PeerForward forward) {
    List<Proposal> proposals = new ArrayList<>(forward.getProposalsCount());
    for (PeerProposal proposal : forward.getProposalsList()) {
      proposals.add(
          new Proposal(
              proposal.getRequestId(), EntryKind.of(proposal.getKind()), proposal.getPayload()));
    }
    return new RaftMessage.Forward(term, proposals);
  }

  static LogBase position(LogPosition position) {
    return LogBase.newBuilder().setIndex(position.index()).setTerm(position.term()).build();
  }

  static LogPosition position(LogBase position) {
    return new LogPosition(position.getIndex(), position.getTerm());
  }
}
