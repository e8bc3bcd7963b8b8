package io.kvorum.verification.conformance.differential;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.KeyValue;
import io.etcd.jetcd.api.RangeRequest;
import io.etcd.jetcd.api.RangeRequest.SortOrder;
import io.etcd.jetcd.api.RangeRequest.SortTarget;
import io.etcd.jetcd.api.RangeResponse;
import io.etcd.jetcd.api.ResponseHeader;
import io.kvorum.verification.conformance.differential.Answer.Reply;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is taken to be equal, and nothing more than that. */
class CanonicalTest {
  private static final RangeRequest BY_VERSION =
      RangeRequest.newBuilder()
          .setSortOrder(SortOrder.DESCEND)
          .setSortTarget(SortTarget.VERSION)
          .build();

  @Test
  void whoAnsweredDoesNotMatter() {
    var request = RangeRequest.getDefaultInstance();
    assertEquals(
        canonical(request, RangeResponse.newBuilder().setHeader(header(1, 2, 3, 7))),
        canonical(request, RangeResponse.newBuilder().setHeader(header(4, 5, 6, 7))));
    assertNotEquals(
        canonical(request, RangeResponse.newBuilder().setHeader(header(1, 2, 3, 7))),
        canonical(request, RangeResponse.newBuilder().setHeader(header(1, 2, 3, 8))));
  }

  @Test
  void tiesOfASortAreInNoOrder() {
    assertEquals(
        canonical(BY_VERSION, response(kv("a", 2), kv("b", 1), kv("c", 1))),
        canonical(BY_VERSION, response(kv("a", 2), kv("c", 1), kv("b", 1))));
    assertNotEquals(
        canonical(BY_VERSION, response(kv("a", 2), kv("b", 1))),
        canonical(BY_VERSION, response(kv("b", 1), kv("a", 2))));
    assertNotEquals(
        canonical(BY_VERSION, response(kv("a", 2), kv("b", 1))),
        canonical(BY_VERSION, response(kv("a", 2), kv("d", 1))));
  }

  @Test
  void aLimitMayCutATieAnywhere() {
    var limited = BY_VERSION.toBuilder().setLimit(2).build();
    assertEquals(
        canonical(limited, response(kv("a", 2), kv("b", 1)).setMore(true)),
        canonical(limited, response(kv("a", 2), kv("c", 1)).setMore(true)));
    assertNotEquals(
        canonical(limited, response(kv("a", 2), kv("b", 1)).setMore(true)),
        canonical(limited, response(kv("x", 2), kv("b", 1)).setMore(true)));
  }

  @Test
  void keyOrderIsOrder() {
    var request = RangeRequest.getDefaultInstance();
    assertNotEquals(
        canonical(request, response(kv("a", 1), kv("b", 1))),
        canonical(request, response(kv("b", 1), kv("a", 1))));
  }

  private static Answer canonical(RangeRequest request, RangeResponse.Builder response) {
    return Canonical.of(new Call.Range(request), new Reply(response.build()));
  }

  private static RangeResponse.Builder response(KeyValue... kvs) {
    return RangeResponse.newBuilder().addAllKvs(List.of(kvs)).setCount(kvs.length);
  }

  private static KeyValue kv(String key, long version) {
    return KeyValue.newBuilder().setKey(ByteString.copyFromUtf8(key)).setVersion(version).build();
  }

  private static ResponseHeader header(long cluster, long member, long term, long revision) {
    return ResponseHeader.newBuilder()
        .setClusterId(cluster)
        .setMemberId(member)
        .setRaftTerm(term)
        .setRevision(revision)
        .build();
  }
}
