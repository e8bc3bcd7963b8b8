package io.kvorum.verification.conformance.chaos;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.Compare;
import io.etcd.jetcd.api.DeleteRangeRequest;
import io.etcd.jetcd.api.KVGrpc;
import io.etcd.jetcd.api.KeyValue;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.RangeRequest;
import io.etcd.jetcd.api.RangeResponse;
import io.etcd.jetcd.api.RequestOp;
import io.etcd.jetcd.api.ResponseOp;
import io.etcd.jetcd.api.TxnRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.kvorum.verification.conformance.cluster.Cluster;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.history.Request;
import io.kvorum.verification.history.Response;
import java.net.ConnectException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One client: a connection to the member it asks, and a record of each call. */
final class Client implements AutoCloseable {
  static final Duration CALL_LIMIT = Duration.ofSeconds(2);

  /** What a member of a broken cluster may answer. Anything else is a fault of its own. */
  private static final Set<Status.Code> ALLOWED =
      EnumSet.of(
          Status.Code.UNAVAILABLE,
          Status.Code.DEADLINE_EXCEEDED,
          Status.Code.CANCELLED,
          Status.Code.RESOURCE_EXHAUSTED);

  /** What etcd says, with code UNKNOWN, of a call that its end as a removed member overtakes. */
  private static final String STOPPING = "raft: stopped";

  private static final String NOT_TAKEN_IN = "etcdserver: too many requests";

  private final Cluster cluster;
  private final Recorder recorder;
  private int number;
  private int slot;
  private @Nullable Connection connection;
  private String address = "";

  Client(Cluster cluster, Recorder recorder, int slot) {
    this.cluster = cluster;
    this.recorder = recorder;
    this.slot = slot;
    this.number = recorder.newClient();
  }

  /** Asks another member from now on. */
  void moveTo(int otherSlot) {
    slot = otherSlot;
  }

  /**
   * Calls, records, and returns the answer; null for an error.
   *
   * @throws AssertionError for an error that no fault explains
   */
  @Nullable Response call(Request request) {
    var member = cluster.member(slot);
    var kv = connected(member.address()).kv(CALL_LIMIT);
    int id = recorder.invoke(number, request);
    long invoked = System.nanoTime();
    try {
      var response = ask(kv, request);
      recorder.returned(id, response, slot, invoked);
      return response;
    } catch (StatusRuntimeException error) {
      var status = error.getStatus();
      if (!ALLOWED.contains(status.getCode()) && !STOPPING.equals(status.getDescription()))
        throw new AssertionError(member + " answered " + request + " with " + status, error);
      if (wasNotTakenIn(status)) recorder.refused(id, "not taken in: " + status.getDescription());
      else {
        recorder.inDoubt(status.getCode() + " " + status.getDescription());
        number = recorder.newClient();
      }
      if (connection != null) connection.channel().resetConnectBackoff();
      return null;
    }
  }

  private static boolean wasNotTakenIn(Status status) {
    return NOT_TAKEN_IN.equals(status.getDescription())
        || status.getCause() instanceof ConnectException;
  }

  private Connection connected(String wanted) {
    if (connection != null && !address.equals(wanted)) {
      connection.close();
      connection = null;
    }
    if (connection == null) connection = Connection.to(wanted);
    address = wanted;
    return connection;
  }

  private static Response ask(KVGrpc.KVBlockingStub kv, Request request) {
    return switch (request) {
      case Request.Get get -> got(kv.range(range(get)), 0);
      case Request.Put put -> new Response.Written(kv.put(put(put)).getHeader().getRevision());
      case Request.Delete delete -> {
        var reply = kv.deleteRange(delete(delete));
        yield new Response.Deleted(
            Math.toIntExact(reply.getDeleted()), reply.getHeader().getRevision());
      }
      case Request.Txn txn -> {
        var reply = kv.txn(txn(txn));
        long revision = reply.getHeader().getRevision();
        var responses =
            reply.getResponsesList().stream().map(one -> response(one, revision)).toList();
        yield new Response.TxnDone(reply.getSucceeded(), responses, revision);
      }
    };
  }

  private static Response response(ResponseOp one, long revision) {
    return switch (one.getResponseCase()) {
      case RESPONSE_RANGE -> got(one.getResponseRange(), revision);
      case RESPONSE_PUT -> new Response.Written(revision);
      case RESPONSE_DELETE_RANGE ->
          new Response.Deleted(
              Math.toIntExact(one.getResponseDeleteRange().getDeleted()), revision);
      case RESPONSE_TXN, RESPONSE_NOT_SET -> throw new AssertionError("not asked for: " + one);
    };
  }

  /** Within a transaction only the whole answer's revision counts. */
  private static Response.Got got(RangeResponse reply, long revision) {
    var version = reply.getKvsList().stream().findFirst().map(Client::version).orElse(null);
    return new Response.Got(version, revision == 0 ? reply.getHeader().getRevision() : revision);
  }

  static Response.Version version(KeyValue kv) {
    return new Response.Version(kv.getValue().toStringUtf8(), kv.getModRevision());
  }

  private static TxnRequest txn(Request.Txn txn) {
    var request = TxnRequest.newBuilder();
    for (var compare : txn.compares()) request.addCompare(compare(compare));
    for (var single : txn.success()) request.addSuccess(operation(single));
    for (var single : txn.failure()) request.addFailure(operation(single));
    return request.build();
  }

  private static Compare compare(Request.Compare compare) {
    var request =
        Compare.newBuilder().setKey(bytes(compare.key())).setResult(Compare.CompareResult.EQUAL);
    return switch (compare) {
      case Request.Compare.ValueIs is ->
          request.setTarget(Compare.CompareTarget.VALUE).setValue(bytes(is.value())).build();
      case Request.Compare.ModRevisionIs is ->
          request.setTarget(Compare.CompareTarget.MOD).setModRevision(is.revision()).build();
    };
  }

  private static RequestOp operation(Request.Single single) {
    return switch (single) {
      case Request.Get get -> RequestOp.newBuilder().setRequestRange(range(get)).build();
      case Request.Put put -> RequestOp.newBuilder().setRequestPut(put(put)).build();
      case Request.Delete delete ->
          RequestOp.newBuilder().setRequestDeleteRange(delete(delete)).build();
    };
  }

  private static RangeRequest range(Request.Get get) {
    return RangeRequest.newBuilder().setKey(bytes(get.key())).build();
  }

  private static PutRequest put(Request.Put put) {
    return PutRequest.newBuilder().setKey(bytes(put.key())).setValue(bytes(put.value())).build();
  }

  private static DeleteRangeRequest delete(Request.Delete delete) {
    return DeleteRangeRequest.newBuilder().setKey(bytes(delete.key())).build();
  }

  private static ByteString bytes(String text) {
    return ByteString.copyFromUtf8(text);
  }

  @Override
  public void close() {
    if (connection != null) connection.close();
  }
}
