package io.kvorum.actors.group;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.kvorum.actors.cluster.GroupPeers;
import io.kvorum.actors.divergence.ChainAnswers;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.ChainAnswer;
import io.kvorum.protocol.internal.ChainQuestion;
import io.kvorum.protocol.internal.GroupQuestion;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;

/** What members of a group ask each other, besides all that belongs to the log. Any thread. */
final class GroupQuestions {
  /** A member that takes longer is asked anew. */
  private static final Duration CHAIN_TIMEOUT = Duration.ofSeconds(2);

  private final GroupPeers peers;

  GroupQuestions(GroupPeers peers) {
    this.peers = peers;
  }

  CompletionStage<ChainAnswer> askForChain(MemberId member, ChainQuestion question) {
    ByteString body = GroupQuestion.newBuilder().setChain(question).build().toByteString();
    return peers.ask(member, body, CHAIN_TIMEOUT).thenApply(GroupQuestions::chainAnswer);
  }

  private static ChainAnswer chainAnswer(ByteString body) {
    try {
      return ChainAnswer.parseFrom(body);
    } catch (InvalidProtocolBufferException e) {
      throw new CompletionException(e);
    }
  }

  /** Answers another member; returns at once. */
  static CompletionStage<ByteString> answer(
      Keyspace keyspace,
      PeerHashes hashes,
      LocalLeases leases,
      LocalMembers administration,
      ByteString body) {
    GroupQuestion question;
    try {
      question = GroupQuestion.parseFrom(body);
    } catch (InvalidProtocolBufferException e) {
      return CompletableFuture.failedFuture(e);
    }
    return switch (question.getQuestionCase()) {
      case CHAIN ->
          CompletableFuture.completedFuture(
              ChainAnswers.answer(keyspace.chain(), question.getChain()).toByteString());
      case HASH ->
          CompletableFuture.completedFuture(hashes.answer(question.getHash()).toByteString());
      case LEASE -> leases.answer(question.getLease());
      case QUESTION_NOT_SET -> administration.answer(body);
    };
  }
}
