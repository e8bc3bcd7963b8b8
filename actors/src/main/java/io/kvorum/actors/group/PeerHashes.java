package io.kvorum.actors.group;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.kvorum.actors.cluster.GroupPeers;
import io.kvorum.persistence.mvcc.KeyValueHash;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.internal.GroupQuestion;
import io.kvorum.protocol.internal.HashAnswer;
import io.kvorum.protocol.internal.HashQuestion;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One question among members: what is your hash at this revision? A large store takes minutes to
 * hash, so a question is answered at once, if only with "wait", and asked again until the hash is
 * there. Any thread.
 */
final class PeerHashes {
  private static final Logger log = LoggerFactory.getLogger(PeerHashes.class);

  /** Between two questions to a member that is still counting. */
  private static final Duration PAUSE = Duration.ofMillis(500);

  private static final Duration ATTEMPT = Duration.ofSeconds(2);

  /** Whoever takes longer is left out of the comparison. */
  private static final Duration LONGEST = Duration.ofMinutes(30);

  /** Hashes begun for others and not fetched; beyond, they are refused as too many requests. */
  private static final int MAX_UNFETCHED = 4;

  private final GroupPeers peers;
  private final Maintenance maintenance;

  /** What others have asked for, by revision, until one of them has fetched it. */
  private final Map<Long, CompletableFuture<HashAnswer>> unfetched = new HashMap<>();

  PeerHashes(GroupPeers peers, Maintenance maintenance) {
    this.peers = peers;
    this.maintenance = maintenance;
  }

  /**
   * Asks members side by side.
   *
   * @param remembered only for what a member remembers of a compaction at this revision, which
   *     costs it nothing
   * @param patience how long a member may be silent until it counts as not reachable
   * @return of those that have answered; why the others have not is logged
   */
  CompletionStage<List<PeerHash>> of(
      Set<MemberId> members, long revision, boolean remembered, Duration patience) {
    ByteString question =
        GroupQuestion.newBuilder()
            .setHash(HashQuestion.newBuilder().setRevision(revision).setRemembered(remembered))
            .build()
            .toByteString();
    List<CompletableFuture<Optional<PeerHash>>> answers = new ArrayList<>();
    for (MemberId member : members) {
      answers.add(new Inquiry(member, question, patience).begin().toCompletableFuture());
    }
    return CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new))
        .thenApply(
            done ->
                answers.stream().map(CompletableFuture::join).flatMap(Optional::stream).toList());
  }

  /** Questions to one member, until it has answered. */
  private final class Inquiry {
    private final MemberId member;
    private final ByteString question;
    private final long patienceNanos;
    private final long endNanos = System.nanoTime() + LONGEST.toNanos();
    private final Executor later =
        CompletableFuture.delayedExecutor(PAUSE.toMillis(), TimeUnit.MILLISECONDS);
    private volatile long heardNanos = System.nanoTime();

    Inquiry(MemberId member, ByteString question, Duration patience) {
      this.member = member;
      this.question = question;
      this.patienceNanos = patience.toNanos();
    }

    CompletionStage<Optional<PeerHash>> begin() {
      return peers
          .ask(member, question, ATTEMPT)
          .handle((answer, failure) -> answer == null ? onSilence() : onAnswer(answer))
          .thenCompose(next -> next);
    }

    private CompletionStage<Optional<PeerHash>> onAnswer(ByteString bytes) {
      heardNanos = System.nanoTime();
      HashAnswer answer;
      try {
        answer = HashAnswer.parseFrom(bytes);
      } catch (InvalidProtocolBufferException e) {
        return without(e.toString());
      }
      return switch (answer.getState()) {
        case WAIT -> again("is still counting");
        case REFUSED -> without(answer.getRefusal());
        case COUNTED ->
            CompletableFuture.completedFuture(
                Optional.of(
                    new PeerHash(
                        member,
                        new KeyValueHash(
                            answer.getCrc32C(),
                            answer.getRevision(),
                            answer.getCompactedRevision()),
                        answer.getCurrentRevision())));
        case UNRECOGNIZED -> without("an answer of a later version");
      };
    }

    private CompletionStage<Optional<PeerHash>> onSilence() {
      return System.nanoTime() - heardNanos > patienceNanos
          ? without("does not answer")
          : again("does not answer");
    }

    private CompletionStage<Optional<PeerHash>> again(String why) {
      return System.nanoTime() - endNanos > 0
          ? without(why)
          : CompletableFuture.supplyAsync(this::begin, later).thenCompose(next -> next);
    }

    private CompletionStage<Optional<PeerHash>> without(String why) {
      log.warn("member {} is left out of the comparison of hashes: {}", member, why);
      return CompletableFuture.completedFuture(Optional.empty());
    }
  }

  /** Answers another member's question, at once. */
  HashAnswer answer(HashQuestion question) {
    return question.getRemembered()
        ? rememberedAt(question.getRevision())
        : countedAt(question.getRevision());
  }

  private HashAnswer rememberedAt(long revision) {
    return maintenance.compactionHashes().stream()
        .filter(hash -> hash.revision() == revision)
        .findFirst()
        .map(hash -> counted(hash, 0))
        .orElseGet(() -> refusal("no compaction at revision " + revision + " is remembered"));
  }

  private synchronized HashAnswer countedAt(long revision) {
    CompletableFuture<HashAnswer> begun = unfetched.get(revision);
    if (begun == null) {
      if (unfetched.size() >= MAX_UNFETCHED) {
        unfetched.values().removeIf(CompletableFuture::isDone);
      }
      if (unfetched.size() >= MAX_UNFETCHED) {
        return refusal(EtcdError.REQUEST_TOO_MANY_REQUESTS.text());
      }
      begun = count(revision);
      unfetched.put(revision, begun);
    }
    HashAnswer answer =
        begun.getNow(HashAnswer.newBuilder().setState(HashAnswer.State.WAIT).build());
    if (answer.getState() != HashAnswer.State.WAIT) {
      unfetched.remove(revision);
    }
    return answer;
  }

  private CompletableFuture<HashAnswer> count(long revision) {
    return maintenance
        .hashOfRecords(revision)
        .handle(
            (outcome, failure) ->
                outcome == null
                    ? refusal(String.valueOf(failure))
                    : switch (outcome) {
                      case Outcome.Refused<Maintenance.Hashed<KeyValueHash>>(var error) ->
                          refusal(error.text());
                      case Outcome.Ok<Maintenance.Hashed<KeyValueHash>>(var hashed) ->
                          counted(hashed.hash(), hashed.currentRevision());
                    })
        .toCompletableFuture();
  }

  private static HashAnswer counted(KeyValueHash hash, long currentRevision) {
    return HashAnswer.newBuilder()
        .setState(HashAnswer.State.COUNTED)
        .setCrc32C(hash.crc32c())
        .setRevision(hash.revision())
        .setCompactedRevision(hash.compactedRevision())
        .setCurrentRevision(currentRevision)
        .build();
  }

  private static HashAnswer refusal(String why) {
    return HashAnswer.newBuilder().setState(HashAnswer.State.REFUSED).setRefusal(why).build();
  }
}
