package io.kvorum.actors.group;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.kvorum.actors.apply.AppliedIndex;
import io.kvorum.actors.apply.MembershipState;
import io.kvorum.actors.apply.PendingProposals;
import io.kvorum.actors.cluster.GroupPeers;
import io.kvorum.actors.raft.Proposal;
import io.kvorum.actors.raft.ReplicaMessage;
import io.kvorum.actors.raft.ReplicationReport;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.Member;
import io.kvorum.protocol.internal.Membership;
import io.kvorum.protocol.internal.MembershipChange;
import io.kvorum.protocol.internal.PromotionAnswer;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.apache.pekko.Done;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Changes of a group's members as this member asks for them: checked against what it knows, then
 * proposed to the log, where each is checked again when it is applied.
 */
final class LocalMembers implements MemberAdministration {
  private static final Logger log = LoggerFactory.getLogger(LocalMembers.class);

  /** A connection counts for the strict checks once it has held this long, as in etcd. */
  private static final Duration STEADY = Duration.ofSeconds(5);

  /** A learner may be promoted when it has this much of the leader's log, as in etcd. */
  private static final double READY_SHARE = 0.9;

  /** A leader whose state machine lags further behind judges no learner, as in etcd. */
  private static final Duration APPLY_LIMIT = Duration.ofSeconds(1);

  /** Between attempts to find a leader that answers. */
  private static final Duration PROMOTION_ATTEMPT = Duration.ofSeconds(1);

  private final MemberId self;
  private final GroupSettings.MemberRules rules;
  private final MembershipState membership;
  private final AppliedIndex applied;
  private final LongSupplier committed;
  private final PendingProposals proposals;
  private final Leadership leadership;
  private final GroupPeers peers;
  private final Consumer<ReplicaMessage> replica;
  private final Duration requestTimeout;

  LocalMembers(
      MemberId self,
      GroupSettings.MemberRules rules,
      MembershipState membership,
      AppliedIndex applied,
      LongSupplier committed,
      PendingProposals proposals,
      Leadership leadership,
      GroupPeers peers,
      Consumer<ReplicaMessage> replica,
      Duration requestTimeout) {
    this.self = self;
    this.rules = rules;
    this.membership = membership;
    this.applied = applied;
    this.committed = committed;
    this.proposals = proposals;
    this.leadership = leadership;
    this.peers = peers;
    this.replica = replica;
    this.requestTimeout = requestTimeout;
  }

  @Override
  public CompletionStage<Outcome<Added>> add(List<String> peerUrls, boolean learner) {
    EtcdError refusal = rules.strict() ? check().add(learner) : null;
    if (refusal != null) {
      return refused("adding a member", refusal);
    }
    MemberId id = Identity.memberAddedAt(peerUrls, System.currentTimeMillis() / 1000);
    MembershipChange.Builder change =
        change(learner ? MembershipChange.Kind.ADD_LEARNER : MembershipChange.Kind.ADD_VOTER, id)
            .addAllPeerUrls(peerUrls)
            .setMaxLearners(rules.maxLearners());
    Member added =
        Member.newBuilder()
            .setID(id.value())
            .addAllPeerURLs(peerUrls)
            .setIsLearner(learner)
            .build();
    return propose(change).thenApply(outcome -> outcome.map(all -> new Added(added, all)));
  }

  @Override
  public CompletionStage<Outcome<List<Member>>> remove(MemberId member) {
    EtcdError refusal = rules.strict() ? check().remove(member) : null;
    return refusal == null
        ? propose(change(MembershipChange.Kind.REMOVE, member))
        : refused("removing member " + member, refusal);
  }

  @Override
  public CompletionStage<Outcome<List<Member>>> update(MemberId member, List<String> peerUrls) {
    return propose(change(MembershipChange.Kind.UPDATE, member).addAllPeerUrls(peerUrls));
  }

  @Override
  public CompletionStage<Outcome<List<Member>>> promote(MemberId member) {
    return promote(member, System.nanoTime() + requestTimeout.toNanos());
  }

  /** Only the leader knows how far a learner is. */
  private CompletionStage<Outcome<List<Member>>> promote(MemberId member, long deadlineNanos) {
    return leadership
        .await(leader -> !leader.equals(MemberId.NONE), deadlineNanos)
        .thenCompose(
            known -> {
              if (!known || deadlineNanos - System.nanoTime() <= 0) {
                return refused("promoting member " + member, EtcdError.TIMEOUT);
              }
              MemberId leader = leadership.leader();
              return leader.equals(self)
                  ? promoteAsLeader(member)
                      .thenCompose(o -> retryUnlessLed(o, member, deadlineNanos))
                  : forwardPromotion(leader, member, deadlineNanos);
            });
  }

  private CompletionStage<Outcome<List<Member>>> retryUnlessLed(
      Outcome<List<Member>> outcome, MemberId member, long deadlineNanos) {
    return outcome instanceof Outcome.Refused<List<Member>>(var error)
            && error == EtcdError.NOT_LEADER
        ? promoteLater(member, deadlineNanos)
        : CompletableFuture.completedFuture(outcome);
  }

  private CompletionStage<Outcome<List<Member>>> promoteLater(MemberId member, long deadlineNanos) {
    MemberId before = leadership.leader();
    long again = System.nanoTime() + PROMOTION_ATTEMPT.toNanos();
    return leadership
        .await(leader -> !leader.equals(before), again - deadlineNanos < 0 ? again : deadlineNanos)
        .thenCompose(either -> promote(member, deadlineNanos));
  }

  private CompletionStage<Outcome<List<Member>>> forwardPromotion(
      MemberId leader, MemberId member, long deadlineNanos) {
    ByteString question = change(MembershipChange.Kind.PROMOTE, member).build().toByteString();
    Duration left = Duration.ofNanos(Math.max(1, deadlineNanos - System.nanoTime()));
    return peers
        .ask(leader, question, left)
        .handle((answer, failure) -> answer == null ? null : parsePromotion(answer))
        .thenCompose(
            outcome ->
                outcome == null
                    ? promoteLater(member, deadlineNanos)
                    : retryUnlessLed(outcome, member, deadlineNanos));
  }

  private static @Nullable Outcome<List<Member>> parsePromotion(ByteString bytes) {
    try {
      PromotionAnswer answer = PromotionAnswer.parseFrom(bytes);
      return answer.getRefusal().isEmpty()
          ? Outcome.ok(members(answer.getMembership()))
          : Outcome.refused(EtcdError.valueOf(answer.getRefusal()));
    } catch (InvalidProtocolBufferException | IllegalArgumentException e) {
      log.warn("the leader's answer to a promotion cannot be read", e);
      return null;
    }
  }

  /** Answers a promotion that another member forwarded to this one. */
  CompletionStage<ByteString> answer(ByteString question) {
    MembershipChange change;
    try {
      change = MembershipChange.parseFrom(question);
    } catch (InvalidProtocolBufferException e) {
      return CompletableFuture.failedFuture(e);
    }
    if (change.getKind() != MembershipChange.Kind.PROMOTE) {
      return CompletableFuture.failedFuture(
          new IllegalArgumentException("only promotions are forwarded, not " + change.getKind()));
    }
    return promoteAsLeader(new MemberId(change.getMemberId()))
        .thenApply(
            outcome -> {
              PromotionAnswer.Builder answer = PromotionAnswer.newBuilder();
              switch (outcome) {
                case Outcome.Refused<List<Member>>(var error) -> answer.setRefusal(error.name());
                case Outcome.Ok<List<Member>> ok -> answer.setMembership(membership.get());
              }
              return answer.build().toByteString();
            });
  }

  private CompletionStage<Outcome<List<Member>>> promoteAsLeader(MemberId member) {
    return caughtUp()
        .thenCompose(
            done ->
                done
                    ? promoteIfReady(member)
                    : refused("promoting member " + member, EtcdError.TIMEOUT_WAIT_APPLIED_INDEX));
  }

  /** The member that asked may have applied what this one, its leader, has not yet. */
  private CompletableFuture<Boolean> caughtUp() {
    CompletableFuture<Boolean> reached = new CompletableFuture<>();
    applied.whenReached(committed.getAsLong(), () -> reached.complete(true));
    return reached.completeOnTimeout(false, APPLY_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
  }

  private CompletionStage<Outcome<List<Member>>> promoteIfReady(MemberId member) {
    CompletableFuture<Optional<ReplicationReport>> report = new CompletableFuture<>();
    replica.accept(new ReplicaMessage.ReportProgress(report));
    return report.thenCompose(
        progress -> {
          EtcdError refusal = refusePromotion(member, progress);
          return refusal == null
              ? propose(change(MembershipChange.Kind.PROMOTE, member))
              : refused("promoting member " + member, refusal);
        });
  }

  private @Nullable EtcdError refusePromotion(
      MemberId member, Optional<ReplicationReport> progress) {
    ReplicationReport report = progress.orElse(null);
    if (report == null) {
      return EtcdError.NOT_LEADER;
    }
    var follower = report.followers().get(member);
    if (follower == null && !member.equals(self)) {
      return EtcdError.MEMBER_NOT_FOUND;
    }
    if (follower != null && follower.match() < READY_SHARE * report.lastIndex()) {
      return EtcdError.LEARNER_NOT_READY;
    }
    return rules.strict() ? check().promote() : null;
  }

  @Override
  public CompletionStage<Outcome<Done>> moveLeader(MemberId to) {
    if (!leadership.leader().equals(self)) {
      return CompletableFuture.completedFuture(Outcome.refused(EtcdError.NOT_LEADER));
    }
    if (!membership.configuration().isVoter(to)) {
      return CompletableFuture.completedFuture(Outcome.refused(EtcdError.BAD_LEADER_TRANSFEREE));
    }
    return transfer(to, leader -> leader.equals(to), requestTimeout)
        .thenApply(
            moved ->
                moved
                    ? Outcome.ok(Done.getInstance())
                    : Outcome.refused(EtcdError.TIMEOUT_LEADER_TRANSFER));
  }

  /**
   * Before this member stops: gives leadership, if it has it, to the voter that it has heard for
   * the longest time.
   *
   * @return completes when another one leads, or after {@code limit}
   */
  CompletionStage<Done> handOver(Duration limit) {
    Optional<MemberId> successor =
        membership.configuration().voters().stream()
            .filter(voter -> !voter.equals(self))
            .filter(this::connected)
            .max(Comparator.comparing(this::connectedFor));
    if (successor.isEmpty() || !leadership.leader().equals(self)) {
      return CompletableFuture.completedFuture(Done.getInstance());
    }
    log.info("handing leadership to member {}", successor.get());
    return transfer(
            successor.get(), leader -> !leader.equals(self) && !leader.equals(MemberId.NONE), limit)
        .thenApply(
            moved -> {
              log.info(
                  moved ? "handed leadership over" : "leadership was not handed over in {}", limit);
              return Done.getInstance();
            });
  }

  private boolean connected(MemberId member) {
    GroupPeers.Link link = peers.links().get(member);
    return link != null && link.connected();
  }

  private Duration connectedFor(MemberId member) {
    GroupPeers.Link link = peers.links().get(member);
    return link != null && link.connected() ? link.connectedFor() : Duration.ZERO;
  }

  private CompletionStage<Boolean> transfer(MemberId to, Predicate<MemberId> done, Duration limit) {
    CompletableFuture<Boolean> moved = leadership.await(done, System.nanoTime() + limit.toNanos());
    if (!moved.isDone()) {
      replica.accept(new ReplicaMessage.TransferLeadership(to));
    }
    return moved;
  }

  private static MembershipChange.Builder change(MembershipChange.Kind kind, MemberId member) {
    return MembershipChange.newBuilder().setKind(kind).setMemberId(member.value());
  }

  private CompletionStage<Outcome<List<Member>>> propose(MembershipChange.Builder change) {
    long id = proposals.nextId();
    MembershipChange proposal = change.setRequestId(id).build();
    CompletableFuture<Outcome<Object>> answer = proposals.awaitChange(id, System.nanoTime());
    if (!answer.isDone()) {
      replica.accept(
          new ReplicaMessage.Propose(
              new Proposal(id, EntryKind.MEMBERSHIP, proposal.toByteString())));
    }
    return answer.thenApply(outcome -> outcome.map(all -> members((Membership) all)));
  }

  private ReconfigurationCheck check() {
    return new ReconfigurationCheck(
        membership.get(),
        self,
        this::connected,
        member -> connectedFor(member).compareTo(STEADY) >= 0);
  }

  private static <T> CompletionStage<Outcome<T>> refused(String what, EtcdError error) {
    // Who does not lead any more is asked again, or the next leader is.
    if (error != EtcdError.NOT_LEADER) {
      log.warn("{} is refused: {}", what, error.text());
    }
    return CompletableFuture.completedFuture(Outcome.refused(error));
  }

  /** The members as clients see them, ascending by id. */
  static List<Member> members(Membership membership) {
    return membership.getMembersList().stream()
        .map(
            m ->
                Member.newBuilder()
                    .setID(m.getId())
                    .setName(m.getName())
                    .addAllPeerURLs(m.getPeerUrlsList())
                    .addAllClientURLs(m.getClientUrlsList())
                    .setIsLearner(m.getIsLearner())
                    .build())
        .toList();
  }
}
