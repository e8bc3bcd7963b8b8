package io.kvorum.verification.conformance.chaos;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.HashKVRequest;
import io.etcd.jetcd.api.HashKVResponse;
import io.etcd.jetcd.api.KeyValue;
import io.etcd.jetcd.api.MaintenanceGrpc;
import io.etcd.jetcd.api.RangeRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.kvorum.verification.conformance.cluster.Cluster;
import io.kvorum.verification.conformance.cluster.Member;
import io.kvorum.verification.conformance.harness.Await;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Whether all members of a healed cluster have become the same. */
final class Convergence {
  private static final ByteString ALL = ByteString.copyFrom(new byte[] {0});
  private static final Duration CALL_LIMIT = Duration.ofSeconds(20);
  private static final Duration CATCH_UP_LIMIT = Duration.ofSeconds(30);

  private Convergence() {}

  /** The store's revision by a linearizable read. */
  static long revision(Member member) {
    var any = RangeRequest.newBuilder().setKey(ALL).build();
    return member.connection().kv(CALL_LIMIT).range(any).getHeader().getRevision();
  }

  /** The newest revision that this member itself has. */
  static long localRevision(Member member) {
    return localRange(member, 0).revision;
  }

  /**
   * Compares the members' keyspaces at one revision, their histories since the last compaction and
   * their member lists; nor did any of them find a difference meanwhile.
   *
   * @return the history that they share
   * @throws AssertionError naming the first difference
   */
  static KeyspaceHistory check(Cluster cluster, long compacted) {
    var members = cluster.members();
    long revision = revision(members.getFirst());
    for (var member : members)
      Await.until(
          member + " at revision " + revision,
          CATCH_UP_LIMIT,
          () -> localRevision(member) >= revision);
    var first = members.getFirst();
    var history = KeyspaceHistory.read(first.connection(), compacted + 1, revision);
    var range = localRange(first, revision).kvs;
    for (var member : members.subList(1, members.size())) {
      history.checkEqual(
          first.name(),
          member.name(),
          KeyspaceHistory.read(member.connection(), compacted + 1, revision));
      checkEqual(first, range, member, localRange(member, revision).kvs);
    }
    checkHashes(members, revision);
    checkNobodyWasNamed(members);
    Await.until(
        "equal member lists",
        CATCH_UP_LIMIT,
        () -> new HashSet<>(members.stream().map(Member::memberList).toList()).size() == 1);
    return history;
  }

  private record Local(long revision, List<KeyValue> kvs) {}

  /** What the member itself holds, whatever the others do; at its newest revision if 0. */
  private static Local localRange(Member member, long revision) {
    var request =
        RangeRequest.newBuilder()
            .setKey(ALL)
            .setRangeEnd(ALL)
            .setSerializable(true)
            .setRevision(revision)
            .setCountOnly(revision == 0)
            .build();
    var reply = member.connection().kv(CALL_LIMIT).range(request);
    return new Local(reply.getHeader().getRevision(), reply.getKvsList());
  }

  private static void checkEqual(
      Member one, List<KeyValue> here, Member other, List<KeyValue> there) {
    if (here.equals(there)) return;
    for (int i = 0; i < Math.min(here.size(), there.size()); i++)
      if (!here.get(i).equals(there.get(i)))
        throw new AssertionError(
            "%s holds %s and %s holds %s".formatted(one, here.get(i), other, there.get(i)));
    throw new AssertionError(
        "%s holds %d keys and %s holds %d".formatted(one, here.size(), other, there.size()));
  }

  /**
   * Hashes of equal compactions are equal. A server without them is compared by its records alone.
   */
  private static void checkHashes(List<Member> members, long revision) {
    Map<Long, HashKVResponse> byCompaction = new HashMap<>();
    for (var member : members) {
      var hash = hash(member, revision);
      if (hash.isEmpty()) return;
      var other = byCompaction.putIfAbsent(hash.get().getCompactRevision(), hash.get());
      if (other != null && other.getHash() != hash.get().getHash())
        throw new AssertionError(
            "hashes at revision %d differ: %s and %s on %s"
                .formatted(revision, other, hash.get(), member));
    }
  }

  /** No leader has taken a member for one that holds other data. */
  private static void checkNobodyWasNamed(List<Member> members) {
    for (var member : members)
      if (member.server().output().contains("the first bad revision is"))
        throw new AssertionError(
            member + " found a difference where there is none:\n" + member.server().outputEnd());
  }

  private static Optional<HashKVResponse> hash(Member member, long revision) {
    try {
      return Optional.of(
          MaintenanceGrpc.newBlockingStub(member.connection().channel())
              .withDeadlineAfter(CALL_LIMIT.toMillis(), TimeUnit.MILLISECONDS)
              .hashKV(HashKVRequest.newBuilder().setRevision(revision).build()));
    } catch (StatusRuntimeException e) {
      if (e.getStatus().getCode() == Status.Code.UNIMPLEMENTED) return Optional.empty();
      throw e;
    }
  }
}
