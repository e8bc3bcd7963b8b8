package io.kvorum.server;

import com.google.protobuf.ByteString;
import io.kvorum.actors.group.Leases;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.LeaseGrantResponse;
import io.kvorum.protocol.etcdserverpb.LeaseRevokeResponse;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Leases of which number 7 is the only one, with a TTL of 30 s; 9 makes trouble. */
final class FakeLeases implements Leases {
  static final long LEASE = 7;
  static final long TROUBLE = 9;

  private static ResponseHeader revision() {
    return ResponseHeader.newBuilder().setRevision(FakeGroup.REVISION).build();
  }

  @Override
  public CompletionStage<Outcome<LeaseGrantResponse.Builder>> grant(long ttlSeconds, long id) {
    return CompletableFuture.completedFuture(
        id == LEASE
            ? Outcome.refused(EtcdError.LEASE_EXIST)
            : Outcome.ok(
                LeaseGrantResponse.newBuilder()
                    .setHeader(revision())
                    .setID(id == 0 ? 1 : id)
                    .setTTL(Math.max(2, ttlSeconds))));
  }

  @Override
  public CompletionStage<Outcome<LeaseRevokeResponse.Builder>> revoke(long id) {
    return CompletableFuture.completedFuture(
        id == LEASE
            ? Outcome.ok(LeaseRevokeResponse.newBuilder().setHeader(revision()))
            : Outcome.refused(EtcdError.LEASE_NOT_FOUND));
  }

  @Override
  public CompletionStage<Outcome<Long>> renew(long id) {
    return CompletableFuture.completedFuture(
        id == TROUBLE
            ? Outcome.refused(EtcdError.NOT_PRIMARY_LESSOR)
            : Outcome.ok(id == LEASE ? 30L : 0L));
  }

  @Override
  public CompletionStage<Outcome<TimeToLive>> timeToLive(long id, boolean keys) {
    return CompletableFuture.completedFuture(
        Outcome.ok(
            id == LEASE
                ? new TimeToLive(12, 30, keys ? List.of(ByteString.copyFromUtf8("a")) : List.of())
                : new TimeToLive(-1, 0, List.of())));
  }

  @Override
  public CompletionStage<List<Long>> list() {
    return CompletableFuture.completedFuture(List.of(LEASE));
  }
}
