package io.kvorum.verification.conformance.differential;

import io.etcd.jetcd.api.CompactionRequest;
import io.etcd.jetcd.api.HashKVRequest;
import io.etcd.jetcd.api.HashKVResponse;
import io.etcd.jetcd.api.MaintenanceGrpc;
import io.etcd.jetcd.api.StatusRequest;
import io.grpc.StatusRuntimeException;
import io.kvorum.verification.conformance.harness.Connection;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

/**
 * Sends the same writes to a reference and to a subject, with compactions between them, and
 * compares their HashKV at many revisions. An equal hash says that the two hold the same records,
 * byte for byte, and agree on what a compaction removes.
 */
public final class HashDifferential {
  private static final int WRITES_A_ROUND = 150;
  private static final int HASHES_A_ROUND = 25;
  private static final long CALL_LIMIT_SECONDS = 30;
  private static final int HASH_REVISION_FIELD = 4;

  /** Version of those that remember no hashes of compactions, and name no revision of a hash. */
  private static final String WITHOUT_MEMORY = "3.4.";

  private final Connection reference;
  private final Connection subject;
  private final SplittableRandom random;
  private final RequestSource source;
  private final List<KnownDifference> expected;
  private final boolean remembers;
  private final TreeSet<Long> compactions = new TreeSet<>();
  private long current = 1;
  private long hashes;

  public HashDifferential(Connection reference, Connection subject, long seed) {
    this.reference = reference;
    this.subject = subject;
    this.random = new SplittableRandom(seed);
    this.source = new RequestSource(seed);
    String version =
        MaintenanceGrpc.newBlockingStub(reference.channel())
            .status(StatusRequest.getDefaultInstance())
            .getVersion();
    this.expected = KnownDifference.of(version);
    this.remembers = !version.startsWith(WITHOUT_MEMORY);
  }

  /**
   * Runs the stream from its beginning.
   *
   * @return how many hashes were equal
   * @throws AssertionError at the first difference
   */
  public long run(int rounds) {
    compareHashes();
    for (int round = 0; round < rounds; round++) {
      for (int i = 0; i < WRITES_A_ROUND; i++) {
        write();
      }
      compareHashes();
      compact();
      compareHashes();
    }
    return hashes;
  }

  private void write() {
    Call call = source.next();
    while (!isSendable(call)) {
      call = source.next();
    }
    long right = Unary.revision(reference, call);
    long given = Unary.revision(subject, call);
    if (right != given) {
      throw new AssertionError("revision " + right + " and " + given + " after\n" + call.text());
    }
    current = Math.max(current, right);
    source.revisionIs(current);
  }

  private boolean isSendable(Call call) {
    return !call.readOnly()
        && !(call instanceof Call.Compact)
        && expected.stream().noneMatch(difference -> difference.keepsApart(call));
  }

  private void compact() {
    long last = compactions.isEmpty() ? -1 : compactions.last();
    if (last >= current) {
      return;
    }
    long revision = random.nextInt(4) == 0 ? current : last + 1 + random.nextLong(current - last);
    CompactionRequest request =
        CompactionRequest.newBuilder().setRevision(revision).setPhysical(true).build();
    // Physical, so that both have done with it when their hashes are compared.
    for (Connection server : List.of(reference, subject)) {
      var unused = server.kv().compact(request);
    }
    compactions.add(revision);
    source.compactedAt(revision);
  }

  private void compareHashes() {
    long compacted = compactions.isEmpty() ? -1 : compactions.last();
    TreeSet<Long> revisions = new TreeSet<>(List.of(0L, 1L, -1L, current, current + 1));
    revisions.add(compacted - 1);
    revisions.addAll(compactions);
    for (int i = 0; i < HASHES_A_ROUND; i++) {
      revisions.add(random.nextLong(Math.max(compacted, 0), current + 1));
    }
    if (!remembers) {
      revisions.removeAll(compactions);
    }
    for (long revision : revisions) {
      String right = hash(reference, revision);
      String given = hash(subject, revision);
      if (!right.equals(given)) {
        throw new AssertionError(
            "HashKV(%d) at revision %d, compacted at %s%nreference: %s%nsubject:   %s"
                .formatted(revision, current, compactions, right, given));
      }
      hashes++;
    }
  }

  private String hash(Connection server, long revision) {
    try {
      HashKVResponse answer =
          MaintenanceGrpc.newBlockingStub(server.channel())
              .withDeadlineAfter(CALL_LIMIT_SECONDS, TimeUnit.SECONDS)
              .hashKV(HashKVRequest.newBuilder().setRevision(revision).build());
      String text =
          "hash %08x, compacted %d, current %d"
              .formatted(
                  answer.getHash(), answer.getCompactRevision(), answer.getHeader().getRevision());
      return remembers
          ? text + ", of " + answer.getUnknownFields().getField(HASH_REVISION_FIELD).getVarintList()
          : text;
    } catch (StatusRuntimeException refused) {
      return refused.getStatus().toString();
    }
  }
}
