package io.kvorum.actors.group;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.kvorum.actors.apply.AppliedIndex;
import io.kvorum.actors.apply.PendingProposals;
import io.kvorum.actors.cluster.GroupPeers;
import io.kvorum.actors.lease.LeaseCall;
import io.kvorum.actors.lease.LeaseKeeper;
import io.kvorum.actors.lease.LeaseRules;
import io.kvorum.actors.lease.TimeLeft;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.mvcc.LeaseView;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.LeaseGrantRequest;
import io.kvorum.protocol.etcdserverpb.LeaseGrantResponse;
import io.kvorum.protocol.etcdserverpb.LeaseRevokeRequest;
import io.kvorum.protocol.etcdserverpb.LeaseRevokeResponse;
import io.kvorum.protocol.internal.Command;
import io.kvorum.protocol.internal.GroupQuestion;
import io.kvorum.protocol.internal.LeaseAnswer;
import io.kvorum.protocol.internal.LeaseQuestion;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Leases as this member serves them: grants and revocations go through the log, everything that
 * depends on time is answered by the leader's keeper, which other members ask.
 */
final class LocalLeases implements Leases {
  /** A question to the leader that is not answered is asked again, of whoever leads by then. */
  private static final Duration ATTEMPT = Duration.ofSeconds(2);

  private static final Duration PAUSE = Duration.ofMillis(50);

  private final MemberId self;
  private final Group group;
  private final UrgentProposals urgent;
  private final PendingProposals ids;
  private final LeaseRules rules;
  private final Keyspace keyspace;
  private final AppliedIndex applied;
  private final Leadership leadership;
  private final GroupPeers peers;
  private final Executor readExecutor;
  private final Consumer<LeaseKeeper.Message> keeper;
  private final RenewalForwarder renewals;

  /** Proposes past whatever holds others back. */
  interface UrgentProposals {
    <T> CompletionStage<Outcome<T>> propose(Command.Builder command, Class<T> reply);
  }

  LocalLeases(
      MemberId self,
      Group group,
      UrgentProposals urgent,
      PendingProposals ids,
      LeaseRules rules,
      Keyspace keyspace,
      AppliedIndex applied,
      Leadership leadership,
      GroupPeers peers,
      Executor readExecutor,
      Consumer<LeaseKeeper.Message> keeper) {
    this.self = self;
    this.group = group;
    this.urgent = urgent;
    this.ids = ids;
    this.rules = rules;
    this.keyspace = keyspace;
    this.applied = applied;
    this.leadership = leadership;
    this.peers = peers;
    this.readExecutor = readExecutor;
    this.keeper = keeper;
    this.renewals = new RenewalForwarder(this::renewElsewhere, rules.callTimeout());
  }

  @Override
  public CompletionStage<Outcome<LeaseGrantResponse.Builder>> grant(long ttlSeconds, long id) {
    if (ttlSeconds > LeaseRules.MAX_TTL_SECONDS) {
      return CompletableFuture.completedFuture(Outcome.refused(EtcdError.LEASE_TTL_TOO_LARGE));
    }
    // Both are settled here, so that members with other settings apply the same.
    LeaseGrantRequest.Builder request =
        LeaseGrantRequest.newBuilder()
            .setID(id == 0 ? ids.nextId() & Long.MAX_VALUE : id)
            .setTTL(Math.max(ttlSeconds, rules.leastTtlSeconds()));
    return group.propose(
        Command.newBuilder().setLeaseGrant(request), LeaseGrantResponse.Builder.class);
  }

  @Override
  public CompletionStage<Outcome<LeaseRevokeResponse.Builder>> revoke(long id) {
    return urgent.propose(
        Command.newBuilder().setLeaseRevoke(LeaseRevokeRequest.newBuilder().setID(id)),
        LeaseRevokeResponse.Builder.class);
  }

  @Override
  public CompletionStage<Outcome<Long>> renew(long id) {
    if (!leadership.leader().equals(self)) {
      return renewals.renew(id);
    }
    return renewHere(id)
        .thenCompose(
            outcome ->
                isElsewhere(outcome)
                    ? renewals.renew(id)
                    : CompletableFuture.completedFuture(outcome));
  }

  private CompletableFuture<Outcome<Long>> renewHere(long id) {
    CompletableFuture<Outcome<Long>> reply = new CompletableFuture<>();
    keeper.accept(new LeaseKeeper.Called(new LeaseCall.Renew(id, reply)));
    return reply;
  }

  private static boolean isElsewhere(Outcome<?> outcome) {
    return outcome instanceof Outcome.Refused<?>(var error) && error == EtcdError.NOT_LEADER;
  }

  private CompletionStage<List<Outcome<Long>>> renewElsewhere(List<Long> leases) {
    return leaderKnown()
        .thenCompose(
            leader ->
                leader.equals(self)
                    ? renewAllHere(leases)
                    : peers
                        .ask(
                            leader,
                            question(LeaseQuestion.newBuilder().addAllRenew(leases)),
                            ATTEMPT)
                        .thenApply(LocalLeases::renewalsOf));
  }

  /** Fails when none is known for some time. */
  private CompletionStage<MemberId> leaderKnown() {
    return leadership
        .await(leader -> !leader.equals(MemberId.NONE), System.nanoTime() + ATTEMPT.toNanos())
        .thenApply(
            known -> {
              MemberId leader = leadership.leader();
              if (!known || leader.equals(MemberId.NONE)) {
                throw new IllegalStateException("no leader");
              }
              return leader;
            });
  }

  private static ByteString question(LeaseQuestion.Builder question) {
    return GroupQuestion.newBuilder().setLease(question).build().toByteString();
  }

  private CompletionStage<List<Outcome<Long>>> renewAllHere(List<Long> leases) {
    List<CompletableFuture<Outcome<Long>>> replies = leases.stream().map(this::renewHere).toList();
    return CompletableFuture.allOf(replies.toArray(CompletableFuture[]::new))
        .thenApply(all -> replies.stream().map(CompletableFuture::join).toList());
  }

  private static List<Outcome<Long>> renewalsOf(ByteString bytes) {
    List<Outcome<Long>> outcomes = new ArrayList<>();
    for (LeaseAnswer.Renewal renewal : answer(bytes).getRenewalsList()) {
      outcomes.add(
          renewal.getRefusal().isEmpty()
              ? Outcome.ok(renewal.getTtlSeconds())
              : Outcome.refused(EtcdError.valueOf(renewal.getRefusal())));
    }
    return outcomes;
  }

  private static LeaseAnswer answer(ByteString bytes) {
    try {
      return LeaseAnswer.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException("the leader's answer about leases cannot be read", e);
    }
  }

  @Override
  public CompletionStage<Outcome<TimeToLive>> timeToLive(long id, boolean keys) {
    long deadlineNanos = System.nanoTime() + rules.callTimeout().toNanos();
    return timeLeft(id, deadlineNanos)
        .thenCompose(
            outcome ->
                switch (outcome) {
                  case Outcome.Refused<Left>(var error) ->
                      CompletableFuture.completedFuture(Outcome.<TimeToLive>refused(error));
                  case Outcome.Ok<Left>(var left) ->
                      keys && left.time().grantedSeconds() > 0
                          ? withKeys(id, left)
                          : CompletableFuture.completedFuture(
                              Outcome.ok(timeToLive(left.time(), List.of())));
                });
  }

  private static TimeToLive timeToLive(TimeLeft time, List<ByteString> keys) {
    return new TimeToLive(time.seconds(), time.grantedSeconds(), keys);
  }

  /**
   * What the leader said.
   *
   * @param appliedIndex how far it had applied the log
   */
  private record Left(TimeLeft time, long appliedIndex) {}

  private CompletionStage<Outcome<Left>> timeLeft(long id, long deadlineNanos) {
    return leaderKnown()
        .thenCompose(leader -> leader.equals(self) ? timeLeftHere(id) : askTimeLeft(leader, id))
        .exceptionally(failure -> Outcome.refused(EtcdError.NOT_LEADER))
        .thenCompose(
            outcome -> {
              if (!isElsewhere(outcome)) {
                return CompletableFuture.completedFuture(outcome);
              }
              if (deadlineNanos - System.nanoTime() <= 0) {
                return CompletableFuture.completedFuture(Outcome.refused(EtcdError.TIMEOUT));
              }
              return CompletableFuture.supplyAsync(
                      () -> timeLeft(id, deadlineNanos),
                      CompletableFuture.delayedExecutor(PAUSE.toMillis(), TimeUnit.MILLISECONDS))
                  .thenCompose(again -> again);
            });
  }

  private CompletionStage<Outcome<Left>> timeLeftHere(long id) {
    CompletableFuture<Outcome<TimeLeft>> reply = new CompletableFuture<>();
    keeper.accept(new LeaseKeeper.Called(new LeaseCall.TimeToLive(id, reply)));
    return reply.thenApply(outcome -> outcome.map(time -> new Left(time, applied.get().index())));
  }

  private CompletionStage<Outcome<Left>> askTimeLeft(MemberId leader, long id) {
    return peers
        .ask(leader, question(LeaseQuestion.newBuilder().setTimeToLive(id)), ATTEMPT)
        .thenApply(
            bytes -> {
              LeaseAnswer answer = answer(bytes);
              return answer.getRefusal().isEmpty()
                  ? Outcome.ok(
                      new Left(
                          new TimeLeft(answer.getSeconds(), answer.getGrantedSeconds()),
                          answer.getAppliedIndex()))
                  : Outcome.refused(EtcdError.valueOf(answer.getRefusal()));
            });
  }

  /** The keys stand in this member's keyspace too, once it has come as far as the leader. */
  private CompletionStage<Outcome<TimeToLive>> withKeys(long id, Left left) {
    CompletableFuture<Boolean> reached = new CompletableFuture<>();
    applied.whenReached(left.appliedIndex(), () -> reached.complete(true));
    return reached
        .completeOnTimeout(false, rules.callTimeout().toMillis(), TimeUnit.MILLISECONDS)
        .thenCompose(
            done ->
                done
                    ? readKeys(id, left.time())
                    : CompletableFuture.completedFuture(
                        Outcome.refused(EtcdError.TIMEOUT_WAIT_APPLIED_INDEX)));
  }

  private CompletionStage<Outcome<TimeToLive>> readKeys(long id, TimeLeft time) {
    try {
      return CompletableFuture.supplyAsync(
          () -> {
            try (LeaseView view = keyspace.leases()) {
              return Outcome.ok(timeToLive(time, view.keys(id)));
            }
          },
          readExecutor);
    } catch (RejectedExecutionException e) {
      return CompletableFuture.completedFuture(
          Outcome.refused(EtcdError.REQUEST_TOO_MANY_REQUESTS));
    }
  }

  @Override
  public CompletionStage<List<Long>> list() {
    CompletableFuture<List<Long>> reply = new CompletableFuture<>();
    keeper.accept(new LeaseKeeper.ListLeases(reply));
    return reply;
  }

  /** Answers what another member asks this one as its leader. */
  CompletionStage<ByteString> answer(LeaseQuestion question) {
    CompletionStage<LeaseAnswer> answer =
        question.hasTimeToLive()
            ? timeLeftHere(question.getTimeToLive()).thenApply(LocalLeases::timeLeftAnswer)
            : renewAllHere(question.getRenewList()).thenApply(LocalLeases::renewalsAnswer);
    return answer.thenApply(LeaseAnswer::toByteString);
  }

  private static LeaseAnswer timeLeftAnswer(Outcome<Left> outcome) {
    return switch (outcome) {
      case Outcome.Ok<Left>(var left) ->
          LeaseAnswer.newBuilder()
              .setSeconds(left.time().seconds())
              .setGrantedSeconds(left.time().grantedSeconds())
              .setAppliedIndex(left.appliedIndex())
              .build();
      case Outcome.Refused<Left>(var error) ->
          LeaseAnswer.newBuilder().setRefusal(error.name()).build();
    };
  }

  private static LeaseAnswer renewalsAnswer(List<Outcome<Long>> outcomes) {
    LeaseAnswer.Builder answer = LeaseAnswer.newBuilder();
    for (Outcome<Long> outcome : outcomes) {
      switch (outcome) {
        case Outcome.Ok<Long>(var ttl) -> answer.addRenewalsBuilder().setTtlSeconds(ttl);
        case Outcome.Refused<Long>(var error) ->
            answer.addRenewalsBuilder().setRefusal(error.name());
      }
    }
    return answer.build();
  }
}
