package io.kvorum.verification.simulation;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.kvorum.actors.apply.MembershipState;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.persistence.mvcc.LeaseChange;
import io.kvorum.persistence.mvcc.RevisionChain;
import io.kvorum.persistence.mvcc.RevisionDigest;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.internal.Command;
import io.kvorum.protocol.internal.Membership;
import io.kvorum.protocol.internal.MembershipChange;
import io.kvorum.verification.history.Request;
import io.kvorum.verification.history.Response;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A model of the keyspace: the few commands that the simulated clients send, with etcd's revisions,
 * and the membership by production's rules. A value that is never changed, so that a crash can go
 * back to an earlier one and a snapshot is one.
 *
 * @param digest of all entries applied, in order
 * @param chain production's rolling hash over the revisions
 */
record Store(
    LogPosition applied,
    long revision,
    TreeMap<String, Response.Version> cells,
    Membership membership,
    StoreLeases leases,
    long digest,
    long chain) {

  private static final long NEVER_COMPACTED = -1;

  /** Of how many revisions a member remembers each: few, so that the rest comes into play too. */
  private static final int RECENT_REVISIONS = 1 << 7;

  static Store empty(long clusterId) {
    return new Store(
        LogPosition.ZERO,
        1,
        new TreeMap<>(),
        Membership.newBuilder().setClusterId(clusterId).build(),
        StoreLeases.NONE,
        0,
        0);
  }

  /**
   * What an entry led to.
   *
   * @param requestId names the caller that waits, 0 if none does
   */
  record Applied(
      Store after,
      long requestId,
      Outcome<Object> outcome,
      boolean changesMembership,
      List<LeaseChange> leaseChanges) {}

  Applied apply(Entry entry) {
    long next = 31 * (31 * digest + entry.position().hashCode()) + entry.payload().hashCode();
    return switch (entry.kind()) {
      case EMPTY ->
          new Applied(
              new Store(entry.position(), revision, cells, membership, leases, next, chain),
              0,
              Outcome.ok(entry.position()),
              false,
              List.of());
      case MEMBERSHIP -> {
        MembershipChange change = MembershipState.change(entry);
        MembershipState state = new MembershipState(membership);
        Outcome<Object> outcome = state.apply(change).map(m -> m);
        yield new Applied(
            new Store(entry.position(), revision, cells, state.get(), leases, next, chain),
            change.getRequestId(),
            outcome,
            true,
            List.of());
      }
      case COMMAND -> {
        Command command = command(entry);
        if (StoreLeases.concerns(command)) {
          StoreLeases.Applied changed = leases.apply(entry.position(), command, revision);
          yield new Applied(
              new Store(
                  entry.position(),
                  changed.revision(),
                  cells,
                  membership,
                  changed.after(),
                  next,
                  chainWith(entry, changed.revision())),
              command.getHeader().getId(),
              changed.outcome(),
              false,
              changed.changes());
        }
        Execution execution = new Execution();
        Response response = execution.run(StoreCommands.decode(command));
        yield new Applied(
            new Store(
                entry.position(),
                execution.newRevision(),
                execution.next,
                membership,
                leases,
                next,
                execution.newChain(entry.index())),
            command.getHeader().getId(),
            Outcome.ok(response),
            false,
            List.of());
      }
    };
  }

  /** What a member knows of the rolling hash that has nothing but this state. */
  RevisionChain newChain() {
    return new RevisionChain(
        new RevisionChain.Head(applied.index(), 1, revision, chain), RECENT_REVISIONS);
  }

  /** The lock's keys are no cells: an entry that changes them counts as a whole. */
  private long chainWith(Entry entry, long newRevision) {
    if (newRevision == revision) {
      return chain;
    }
    RevisionDigest changed = new RevisionDigest();
    changed.put(entry.payload().toByteArray(), revision, 0);
    return chain + changed.finish(newRevision, entry.index(), NEVER_COMPACTED);
  }

  Response.Got get(String key) {
    return new Response.Got(cells.get(key), revision);
  }

  static String describe(Entry entry) {
    Command command = command(entry);
    return StoreLeases.concerns(command)
        ? command.getRequestCase().name().toLowerCase(Locale.ROOT)
        : StoreCommands.decode(command).toString();
  }

  private static Command command(Entry entry) {
    try {
      return Command.parseFrom(entry.payload());
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("entry " + entry.position() + " cannot be read", e);
    }
  }

  static ByteString encode(Request request, long requestId) {
    return StoreCommands.encode(request, requestId).toByteString();
  }

  /** One command at work. */
  private final class Execution {
    final TreeMap<String, Response.Version> next = new TreeMap<>(cells);
    private final RevisionDigest revisionDigest = new RevisionDigest();
    private boolean wrote;

    long newRevision() {
      return wrote ? revision + 1 : revision;
    }

    /** To be asked for once, at the end. */
    long newChain(long index) {
      return wrote ? chain + revisionDigest.finish(revision + 1, index, NEVER_COMPACTED) : chain;
    }

    Response run(Request request) {
      return switch (request) {
        case Request.Single single -> run(single);
        case Request.Txn txn -> {
          boolean holds = txn.compares().stream().allMatch(this::holds);
          List<Response> responses = new ArrayList<>();
          for (Request.Single single : holds ? txn.success() : txn.failure()) {
            responses.add(run(single));
          }
          yield new Response.TxnDone(holds, responses, newRevision());
        }
      };
    }

    private Response run(Request.Single request) {
      return switch (request) {
        case Request.Get get -> new Response.Got(next.get(get.key()), newRevision());
        case Request.Put put -> {
          wrote = true;
          Response.Version before =
              next.put(put.key(), new Response.Version(put.value(), revision + 1));
          revisionDigest.put(
              bytes(put.key() + "=" + put.value()), before == null ? 0 : before.modRevision(), 0);
          yield new Response.Written(revision + 1);
        }
        case Request.Delete delete -> {
          Response.Version before = next.remove(delete.key());
          if (before != null) {
            wrote = true;
            revisionDigest.delete(
                bytes(delete.key()),
                0,
                before.modRevision(),
                0,
                0,
                ByteString.copyFromUtf8(before.value()));
          }
          yield new Response.Deleted(before == null ? 0 : 1, newRevision());
        }
      };
    }

    private static byte[] bytes(String text) {
      return text.getBytes(StandardCharsets.UTF_8);
    }

    private boolean holds(Request.Compare compare) {
      Response.@Nullable Version cell = next.get(compare.key());
      return switch (compare) {
        case Request.Compare.ValueIs is -> cell != null && cell.value().equals(is.value());
        case Request.Compare.ModRevisionIs is ->
            (cell == null ? 0 : cell.modRevision()) == is.revision();
      };
    }
  }
}
