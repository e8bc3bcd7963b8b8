package io.kvorum.actors.divergence;

import io.kvorum.persistence.mvcc.RevisionChain;
import io.kvorum.persistence.mvcc.RevisionDigest;
import io.kvorum.protocol.internal.ChainAnswer;
import io.kvorum.protocol.internal.ChainCheckpoint;
import io.kvorum.protocol.internal.ChainQuestion;
import java.util.OptionalLong;

/** What a member answers when it is asked for its rolling hash. */
public final class ChainAnswers {
  /** As many revisions are answered at a time. */
  static final int MAX_REVISIONS = 256;

  private ChainAnswers() {}

  /** Takes microseconds. Any thread. */
  public static ChainAnswer answer(RevisionChain chain, ChainQuestion question) {
    RevisionChain.Head head = chain.head();
    ChainAnswer.Builder answer =
        ChainAnswer.newBuilder()
            .setForm(RevisionDigest.FORM)
            .setAppliedIndex(head.index())
            .setAppliedRevision(head.revision())
            .setOrigin(head.origin());
    if (head.revision() <= question.getUpTo()) {
      answer.setNewest(checkpoint(head.revision(), head.hash()));
    } else {
      OptionalLong hash = chain.at(question.getUpTo());
      if (hash.isPresent()) {
        answer.setNewest(checkpoint(question.getUpTo(), hash.getAsLong()));
      }
    }
    for (int i = 0; i < Math.min(MAX_REVISIONS, question.getRevisionsCount()); i++) {
      long revision = question.getRevisions(i);
      OptionalLong hash = chain.at(revision);
      if (hash.isPresent()) {
        answer.addAsked(checkpoint(revision, hash.getAsLong()));
      }
    }
    return answer.build();
  }

  private static ChainCheckpoint.Builder checkpoint(long revision, long hash) {
    return ChainCheckpoint.newBuilder().setRevision(revision).setHash(hash);
  }
}
