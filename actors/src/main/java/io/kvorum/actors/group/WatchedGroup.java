package io.kvorum.actors.group;

import io.kvorum.actors.apply.MembershipState;
import io.kvorum.actors.divergence.Divergence;
import io.kvorum.actors.divergence.DivergenceWatch;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.mvcc.RevisionChain;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.etcdserverpb.AlarmType;
import io.kvorum.protocol.internal.ChainAnswer;
import io.kvorum.protocol.internal.ChainQuestion;
import java.util.Set;
import java.util.concurrent.CompletionStage;

/** This group, as the comparison of its members' data sees it. */
final class WatchedGroup implements DivergenceWatch.Group {
  private final MemberId self;
  private final LocalGroup group;
  private final MembershipState membership;
  private final Keyspace keyspace;
  private final GroupQuestions questions;

  WatchedGroup(
      MemberId self,
      LocalGroup group,
      MembershipState membership,
      Keyspace keyspace,
      GroupQuestions questions) {
    this.self = self;
    this.group = group;
    this.membership = membership;
    this.keyspace = keyspace;
    this.questions = questions;
  }

  @Override
  public MemberId self() {
    return self;
  }

  @Override
  public boolean isLeader() {
    return group.leader().equals(self);
  }

  @Override
  public Configuration configuration() {
    return membership.configuration();
  }

  @Override
  public RevisionChain chain() {
    return keyspace.chain();
  }

  @Override
  public CompletionStage<ChainAnswer> ask(MemberId member, ChainQuestion question) {
    return questions.askForChain(member, question);
  }

  /** Raises the alarm CORRUPT; for member 0 where it is not known who is wrong, as in etcd. */
  @Override
  public void found(Divergence divergence) {
    Set<MemberId> wrong = divergence.deviating();
    for (MemberId member : wrong.isEmpty() ? Set.of(MemberId.NONE) : wrong) {
      var unused = group.alarms().activate(member, AlarmType.CORRUPT);
    }
  }
}
