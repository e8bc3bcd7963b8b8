package io.kvorum.verification.simulation;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Command;

/**
 * A member takes one value for another when it applies a put: each time it comes to the first one
 * from a revision on, also after a crash.
 */
class FlippedBit implements Tampering {
  private final MemberId member;
  private final long from;

  /** The entry that is misread; 0 as long as none was. */
  private long index;

  /** The revision that it made; 0 as long as none was. */
  private long revision;

  FlippedBit(MemberId member, long from) {
    this.member = member;
    this.from = from;
  }

  long revision() {
    return revision;
  }

  @Override
  public Store.Applied applied(Life life, Entry entry, Store before) {
    Store.Applied right = before.apply(entry);
    if (!life.id().equals(member)
        || entry.kind() != EntryKind.COMMAND
        || (index == 0 ? before.revision() < from : entry.index() != index)) {
      return right;
    }
    Command command = command(entry);
    if (command.getRequestCase() != Command.RequestCase.PUT) {
      return right;
    }
    index = entry.index();
    revision = right.after().revision();
    Store wrong = before.apply(misread(entry, command)).after();
    return new Store.Applied(
        new Store(
            wrong.applied(),
            wrong.revision(),
            wrong.cells(),
            wrong.membership(),
            wrong.leases(),
            right.after().digest(),
            wrong.chain()),
        right.requestId(),
        right.outcome(),
        false,
        right.leaseChanges());
  }

  private static Command command(Entry entry) {
    try {
      return Command.parseFrom(entry.payload());
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Entry misread(Entry entry, Command command) {
    byte[] value = command.getPut().getValue().toByteArray();
    value[0] ^= 1;
    Command.Builder wrong = command.toBuilder();
    wrong.getPutBuilder().setValue(ByteString.copyFrom(value));
    return new Entry(entry.index(), entry.term(), entry.kind(), wrong.build().toByteString());
  }
}
