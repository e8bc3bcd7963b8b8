package io.kvorum.verification.conformance.differential;

import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.ListenableFuture;
import com.google.common.util.concurrent.MoreExecutors;
import com.google.protobuf.Message;
import io.etcd.jetcd.api.CompactionRequest;
import io.etcd.jetcd.api.MaintenanceGrpc;
import io.etcd.jetcd.api.ResponseHeader;
import io.etcd.jetcd.api.StatusRequest;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.stub.ClientCalls;
import io.kvorum.verification.conformance.harness.Connection;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;

/**
 * Sends the same stream of requests to a reference and to a subject and compares every answer.
 * Requests that may change something go one at a time, each answered by both before the next is
 * made; the reads between two of them go together, since their order cannot be seen.
 */
public final class Differential {
  /** Reads in flight at once to each server. */
  private static final int READS_TOGETHER = 32;

  /** Longer than any server's own limit, so that its own answer is seen. */
  private static final long CALL_LIMIT_SECONDS = 30;

  private static final Set<Status.Code> NO_ANSWER =
      EnumSet.of(Status.Code.UNAVAILABLE, Status.Code.DEADLINE_EXCEEDED, Status.Code.INTERNAL);

  private final Connection reference;
  private final Connection subject;
  private final RequestSource source;
  private final List<KnownDifference> expected;
  private final Map<KnownDifference, Long> seen = new EnumMap<>(KnownDifference.class);
  private final List<Pending> reads = new ArrayList<>();
  private long answered;
  private long refused;

  /**
   * The requests compared, how many of them both servers refused, and the known differences by
   * number of occurrences.
   */
  public record Result(long requests, long refused, Map<KnownDifference, Long> differences) {}

  private record Pending(
      long number,
      Call call,
      ListenableFuture<Answer> reference,
      ListenableFuture<Answer> subject) {}

  public Differential(Connection reference, Connection subject, long seed) {
    this.reference = reference;
    this.subject = subject;
    this.source = new RequestSource(seed);
    this.expected = KnownDifference.of(version(reference));
  }

  /** The known differences this reference ought to show. */
  public List<KnownDifference> expected() {
    return expected;
  }

  /**
   * Runs the stream from its beginning.
   *
   * @param progress told the number of requests compared so far, after each group
   * @throws Mismatch at the first answer that differs in a way that is not known
   */
  public Result run(long requests, LongConsumer progress) {
    for (long number = 1; number <= requests; number++) {
      var call = sendable();
      if (!call.readOnly()) compareReads();
      var pending = send(number, call);
      if (call.readOnly()) reads.add(pending);
      else compare(pending);
      if (reads.size() == READS_TOGETHER) compareReads();
      progress.accept(answered);
    }
    compareReads();
    progress.accept(answered);
    return new Result(answered, refused, seen);
  }

  private Call sendable() {
    while (true) {
      var call = source.next();
      if (expected.stream().noneMatch(difference -> difference.keepsApart(call))) return call;
    }
  }

  private void compareReads() {
    reads.forEach(this::compare);
    reads.clear();
  }

  private Pending send(long number, Call call) {
    return new Pending(number, call, send(reference, call), send(subject, call));
  }

  private void compare(Pending pending) {
    var call = pending.call;
    var right = Canonical.of(call, await(pending.reference));
    var given = Canonical.of(call, await(pending.subject));
    answered++;
    if (right instanceof Answer.Failure) refused++;
    learn(call, right);
    // two dead servers agree; that is not what is asked here
    if (right instanceof Answer.Failure failure && NO_ANSWER.contains(failure.code()))
      throw new Mismatch(pending.number, call, right, given);
    if (right.equals(given)) return;
    var known =
        KnownDifference.explaining(expected, call, right, given)
            .orElseThrow(() -> new Mismatch(pending.number, call, right, given));
    seen.merge(known, 1L, Long::sum);
  }

  private void learn(Call call, Answer answer) {
    if (!(answer instanceof Answer.Reply reply)) return;
    var header = reply.message().getDescriptorForType().findFieldByName("header");
    if (reply.message().getField(header) instanceof ResponseHeader known)
      source.revisionIs(known.getRevision());
    if (call.request() instanceof CompactionRequest compaction)
      source.compactedAt(compaction.getRevision());
  }

  private static ListenableFuture<Answer> send(Connection to, Call call) {
    return send(to, call.method(), call.request());
  }

  @SuppressWarnings("unchecked") // a call's request is of its method's type by construction
  private static <Q extends Message, R extends Message> ListenableFuture<Answer> send(
      Connection to, MethodDescriptor<Q, R> method, Message request) {
    var options = CallOptions.DEFAULT.withDeadlineAfter(CALL_LIMIT_SECONDS, TimeUnit.SECONDS);
    var reply = ClientCalls.futureUnaryCall(to.channel().newCall(method, options), (Q) request);
    return Futures.transform(reply, Answer.Reply::new, MoreExecutors.directExecutor());
  }

  private static Answer await(ListenableFuture<Answer> future) {
    try {
      return future.get();
    } catch (ExecutionException failed) {
      return Answer.failure(Status.fromThrowable(failed));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static String version(Connection server) {
    return MaintenanceGrpc.newBlockingStub(server.channel())
        .status(StatusRequest.getDefaultInstance())
        .getVersion();
  }

  /** An answer that differs in a way nobody has named. */
  public static final class Mismatch extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Mismatch(long number, Call call, Answer reference, Answer subject) {
      super(
          "request "
              + number
              + " is answered differently, or not at all\n"
              + call.text()
              + "reference:\n"
              + reference.text()
              + "subject:\n"
              + subject.text());
    }
  }
}
