package io.kvorum.verification.conformance.differential;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.CompactionRequest;
import io.etcd.jetcd.api.KVGrpc;
import io.etcd.jetcd.api.MaintenanceGrpc;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.RangeRequest;
import io.etcd.jetcd.api.RangeRequest.SortOrder;
import io.etcd.jetcd.api.RangeRequest.SortTarget;
import io.etcd.jetcd.api.RangeResponse;
import io.etcd.jetcd.api.StatusRequest;
import io.grpc.StatusRuntimeException;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.RangeStreams;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The same writes to a reference and to a subject, and streamed ranges of both. What a stream's
 * messages say together has to be equal; where each is cut is the server's own matter. A reference
 * that knows no streams is asked for the range in one, which is the same.
 */
public final class StreamDifferential {
  private static final int WRITES_A_ROUND = 60;
  private static final int RANGES_A_ROUND = 60;

  /** So many that a stream of them takes several messages of any size. */
  private static final int LARGE_RECORDS = 300;

  private static final int LARGE_BYTES = 9_000;
  private static final int FIRST_MESSAGE_KEYS = 10;
  private static final Duration LIMIT = Duration.ofSeconds(30);

  private final Connection reference;
  private final Connection subject;
  private final SplittableRandom random;
  private final RequestSource source;
  private final List<KnownDifference> expected;
  private final boolean referenceStreams;
  private long current = 1;
  private long compacted = -1;
  private long compared;

  public StreamDifferential(Connection reference, Connection subject, long seed) {
    this.reference = reference;
    this.subject = subject;
    this.random = new SplittableRandom(seed);
    this.source = new RequestSource(seed);
    String version =
        MaintenanceGrpc.newBlockingStub(reference.channel())
            .status(StatusRequest.getDefaultInstance())
            .getVersion();
    this.expected = KnownDifference.of(version);
    this.referenceStreams = version.startsWith("3.7.");
  }

  /**
   * Runs from the beginning.
   *
   * @return how many answers were equal
   * @throws AssertionError at the first difference
   */
  public long run(int rounds) {
    for (int i = 0; i < LARGE_RECORDS; i++) {
      byte[] value = new byte[random.nextInt(2 * LARGE_BYTES)];
      random.nextBytes(value);
      write(
          new Call.Put(
              PutRequest.newBuilder()
                  .setKey(ByteString.copyFromUtf8("large/%04d".formatted(i)))
                  .setValue(ByteString.copyFrom(value))
                  .build()));
    }
    for (int round = 0; round < rounds; round++) {
      for (int i = 0; i < WRITES_A_ROUND; i++) write(nextWrite());
      for (int i = 0; i < RANGES_A_ROUND; i++) compare(nextRange());
      if (round % 3 == 2) compact();
    }
    return compared;
  }

  private Call nextWrite() {
    while (true) {
      Call call = source.next();
      if (!call.readOnly()
          && !(call instanceof Call.Compact)
          && expected.stream().noneMatch(difference -> difference.keepsApart(call))) return call;
    }
  }

  private void write(Call call) {
    long right = Unary.revision(reference, call);
    long given = Unary.revision(subject, call);
    if (right != given)
      throw new AssertionError("revision " + right + " and " + given + " after\n" + call.text());
    current = Math.max(current, right);
    source.revisionIs(current);
  }

  private void compact() {
    if (compacted >= current) return;
    compacted += 1 + random.nextLong(current - compacted);
    CompactionRequest request = CompactionRequest.newBuilder().setRevision(compacted).build();
    for (Connection server : List.of(reference, subject)) {
      var unused = server.kv().compact(request);
    }
    source.compactedAt(compacted);
  }

  private RangeRequest nextRange() {
    RangeRequest.Builder range = source.range().toBuilder();
    if (random.nextInt(3) == 0) {
      range
          .setKey(ByteString.copyFromUtf8("large/%04d".formatted(random.nextInt(LARGE_RECORDS))))
          .setRangeEnd(ByteString.copyFrom(new byte[1]));
      if (random.nextBoolean()) range.setLimit(random.nextInt(2 * LARGE_RECORDS));
    }
    boolean sorted =
        range.getSortOrder() == SortOrder.DESCEND
            || range.getSortOrder() == SortOrder.ASCEND && range.getSortTarget() != SortTarget.KEY;
    boolean unknown =
        range.getSortOrder() == SortOrder.UNRECOGNIZED
            || range.getSortTarget() == SortTarget.UNRECOGNIZED;
    // etcd sorts each chunk by itself then, and goes on behind the last of that order: keys are
    // missing or come twice.
    if (range.getSortOrder() == SortOrder.NONE && !unknown) range.setSortTarget(SortTarget.KEY);
    if (!referenceStreams) {
      if (sorted || unknown) range.setSortOrder(SortOrder.NONE).setSortTarget(SortTarget.KEY);
      range
          .clearMinModRevision()
          .clearMaxModRevision()
          .clearMinCreateRevision()
          .clearMaxCreateRevision();
    }
    return range.build();
  }

  private void compare(RangeRequest range) {
    String right = referenceStreams ? streamed(reference, range) : inOne(reference, range);
    String given = streamed(subject, range);
    if (!right.equals(given))
      throw new AssertionError(
          "a streamed range is answered differently\n"
              + new Call.Range(range).text()
              + "reference:\n"
              + right
              + "\nsubject:\n"
              + given);
    compared++;
  }

  private static String inOne(Connection server, RangeRequest range) {
    try {
      return text(KVGrpc.newBlockingStub(server.channel()).range(range));
    } catch (StatusRuntimeException refused) {
      return refused.getStatus().toString();
    }
  }

  private static String streamed(Connection server, RangeRequest range) {
    try {
      Iterator<RangeResponse> messages = RangeStreams.open(server, range, LIMIT);
      RangeResponse.Builder all = RangeResponse.newBuilder();
      List<RangeResponse> received = new ArrayList<>();
      messages.forEachRemaining(received::add);
      for (RangeResponse message : received) {
        boolean last = message == received.getLast();
        if (message.hasHeader() != last) return "a header before the end, or none there";
        if (!last && (message.getCount() != 0 || message.getMore())) return "an end before the end";
        all.mergeFrom(message);
      }
      if (received.getFirst().getKvsCount() > FIRST_MESSAGE_KEYS && range.getLimit() >= 0)
        return "a first message of " + received.getFirst().getKvsCount() + " keys";
      if (received.size() == 1 && all.getKvsCount() > FIRST_MESSAGE_KEYS && range.getLimit() >= 0)
        return "all in one message";
      return text(all.build());
    } catch (StatusRuntimeException refused) {
      return refused.getStatus().toString();
    }
  }

  private static String text(RangeResponse response) {
    return new Answer.Reply(Canonical.streamed(response)).text();
  }
}
