package io.kvorum.actors.group;

import io.kvorum.persistence.mvcc.KeyValueHash;
import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.AlarmType;
import io.kvorum.protocol.etcdserverpb.Member;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import org.apache.pekko.Done;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compares this member's records with the other members', by their hashes (etcd's
 * server/etcdserver/corrupt.go). Each method is one comparison, on the threads of {@link
 * Maintenance}; its caller sees to it that one ends before the next begins.
 */
final class CorruptionCheck {
  private static final Logger log = LoggerFactory.getLogger(CorruptionCheck.class);

  private final Group group;
  private final PeerHashes peers;
  private final Duration patience;

  /** Up to which compaction all members' hashes were found equal. */
  private volatile long checkedCompaction;

  /**
   * @param patience how long a member may be silent
   */
  CorruptionCheck(Group group, PeerHashes peers, Duration patience) {
    this.group = group;
    this.peers = peers;
    this.patience = patience;
  }

  /** The member's store is not what the others hold. */
  static final class InconsistentException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    InconsistentException(MemberId self, List<PeerHash> different, KeyValueHash own) {
      super(
          "member %s found data inconsistency with peers: at revision %d its hash is %08x, and %s"
              .formatted(
                  self,
                  own.revision(),
                  own.crc32c(),
                  different.stream()
                      .map(p -> "that of member %s %08x".formatted(p.member(), p.hash().crc32c()))
                      .collect(Collectors.joining(", "))));
    }
  }

  /**
   * Before this member takes part: at its own newest revision, with those that can be reached and
   * are as far.
   *
   * @return fails with {@link InconsistentException} if one holds something else
   */
  CompletionStage<Done> initially() {
    log.info("starting initial corruption check");
    return hash()
        .thenCompose(
            own ->
                others(own.hash().revision(), false)
                    .thenApply(
                        answers -> {
                          List<PeerHash> different =
                              answers.stream()
                                  .filter(peer -> contradicts(peer, own.hash()))
                                  .toList();
                          if (!different.isEmpty()) {
                            throw new InconsistentException(group.member(), different, own.hash());
                          }
                          log.info(
                              "initial corruption checking passed; no corruption, compared with {} members",
                              answers.size());
                          return Done.getInstance();
                        }));
  }

  private static boolean contradicts(PeerHash peer, KeyValueHash own) {
    return peer.hash().revision() == own.revision()
        && peer.hash().compactedRevision() == own.compactedRevision()
        && peer.hash().crc32c() != own.crc32c();
  }

  /** All records, of the leader and whoever answers. Raises CORRUPT for those that deviate. */
  CompletionStage<Done> everything() {
    return hash()
        .thenCompose(
            own ->
                others(own.hash().revision(), false)
                    .thenCompose(
                        answers ->
                            group
                                .linearizableBarrier()
                                .thenCompose(barrier -> conclude(own.hash(), answers, barrier))));
  }

  private CompletionStage<Done> conclude(
      KeyValueHash own, List<PeerHash> answers, Outcome<Done> barrier) {
    if (barrier instanceof Outcome.Refused<Done>(var error)) {
      log.warn("the members' hashes were not compared: {}", error.text());
      return done();
    }
    HashVerdict verdict = HashVerdict.of(group.member(), own, answers, members().size());
    Set<MemberId> corrupt = new HashSet<>(verdict.deviating());
    corrupt.addAll(aheadOfLeader(answers));
    log.info(
        "finished peer corruption check at revision {}, {} members compared",
        own.revision(),
        verdict.compared());
    return raise("records", corrupt, own, answers);
  }

  /**
   * What a follower has applied was committed, and so is applied here after the barrier: a follower
   * cannot be ahead.
   */
  private Set<MemberId> aheadOfLeader(List<PeerHash> answers) {
    try (ReadView view = group.view()) {
      return answers.stream()
          .filter(
              peer ->
                  peer.currentRevision() > view.currentRevision()
                      || peer.hash().compactedRevision() > view.compactedRevision())
          .map(PeerHash::member)
          .collect(Collectors.toSet());
    }
  }

  /**
   * What the newest compactions have hashed: the newest of them that all members remember, at no
   * cost but the questions. Raises CORRUPT for those that deviate.
   */
  CompletionStage<Done> compactions() {
    List<KeyValueHash> unchecked =
        group.maintenance().compactionHashes().stream()
            .filter(hash -> hash.revision() > checkedCompaction)
            .sorted(Comparator.comparingLong(KeyValueHash::revision).reversed())
            .toList();
    return compactions(unchecked, 0);
  }

  private CompletionStage<Done> compactions(List<KeyValueHash> unchecked, int at) {
    if (at == unchecked.size()) {
      return done();
    }
    KeyValueHash own = unchecked.get(at);
    return others(own.revision(), true)
        .thenCompose(
            answers -> {
              int members = members().size();
              HashVerdict verdict = HashVerdict.of(group.member(), own, answers, members);
              if (!verdict.deviating().isEmpty()) {
                return raise("compactions", verdict.deviating(), own, answers);
              }
              if (verdict.compared() < members) {
                return compactions(unchecked, at + 1);
              }
              log.info(
                  "successfully checked hash on whole cluster: compaction at revision {}",
                  own.revision());
              checkedCompaction = own.revision();
              return done();
            });
  }

  /**
   * @param of what was hashed
   */
  private CompletionStage<Done> raise(
      String of, Set<MemberId> corrupt, KeyValueHash own, List<PeerHash> answers) {
    if (!corrupt.isEmpty()) {
      log.error(
          "the members' hashes of {} differ at revision {}: {} has {}, the others {}; corrupt: {}",
          of,
          own.revision(),
          group.member(),
          own,
          answers,
          corrupt);
    }
    return CompletableFuture.allOf(
            corrupt.stream()
                .map(member -> group.alarms().activate(member, AlarmType.CORRUPT))
                .map(CompletionStage::toCompletableFuture)
                .toArray(CompletableFuture[]::new))
        .thenApply(raised -> Done.getInstance());
  }

  private CompletionStage<Maintenance.Hashed<KeyValueHash>> hash() {
    return group
        .maintenance()
        .hashOfRecords(0)
        .thenApply(
            outcome ->
                switch (outcome) {
                  case Outcome.Ok<Maintenance.Hashed<KeyValueHash>>(var hashed) -> hashed;
                  case Outcome.Refused<Maintenance.Hashed<KeyValueHash>>(var error) ->
                      throw new IllegalStateException("no hash of this member: " + error.text());
                });
  }

  private CompletionStage<List<PeerHash>> others(long revision, boolean remembered) {
    Set<MemberId> others = new HashSet<>(members());
    others.remove(group.member());
    return peers.of(others, revision, remembered, patience);
  }

  /** Learners too: they hold the same. */
  private Set<MemberId> members() {
    return group.status().members().stream()
        .map(Member::getID)
        .map(MemberId::new)
        .collect(Collectors.toSet());
  }

  private static CompletionStage<Done> done() {
    return CompletableFuture.completedFuture(Done.getInstance());
  }
}
