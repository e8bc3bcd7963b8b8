package io.kvorum.actors.apply;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import com.google.protobuf.ByteString;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.persistence.mvcc.ApplyBatch;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.mvcc.KeyspaceOptions;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.AlarmMember;
import io.kvorum.protocol.etcdserverpb.AlarmRequest;
import io.kvorum.protocol.etcdserverpb.AlarmRequest.AlarmAction;
import io.kvorum.protocol.etcdserverpb.AlarmResponse;
import io.kvorum.protocol.etcdserverpb.AlarmType;
import io.kvorum.protocol.etcdserverpb.CompactionRequest;
import io.kvorum.protocol.etcdserverpb.DeleteRangeRequest;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.RequestOp;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import io.kvorum.protocol.internal.AlarmSet;
import io.kvorum.protocol.internal.Command;
import io.kvorum.protocol.internal.MemberAttributes;
import io.kvorum.protocol.internal.Membership;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands on their way through the layers, over a real keyspace. */
final class EntryApplierTest {
  private static final Command.Builder PUT = Command.newBuilder().setPut(put(10));
  private static final Command.Builder DELETE =
      Command.newBuilder()
          .setDeleteRange(
              DeleteRangeRequest.newBuilder().setKey(ByteString.copyFromUtf8("nothing")));
  private static final Command.Builder DELETING_TXN =
      Command.newBuilder()
          .setTxn(
              TxnRequest.newBuilder()
                  .addSuccess(
                      RequestOp.newBuilder().setRequestDeleteRange(DELETE.getDeleteRange())));
  private static final Command.Builder NESTED_TXN =
      Command.newBuilder()
          .setTxn(
              TxnRequest.newBuilder()
                  .addFailure(
                      RequestOp.newBuilder()
                          .setRequestTxn(
                              TxnRequest.newBuilder()
                                  .addSuccess(RequestOp.newBuilder().setRequestPut(put(10))))));

  @TempDir Path directory;
  private final AtomicInteger exceeded = new AtomicInteger();

  @SuppressWarnings("NullAway.Init")
  private Keyspace keyspace;

  @SuppressWarnings("NullAway.Init")
  private EntryApplier applier;

  private long index;

  @BeforeEach
  void open() {
    keyspace = Keyspace.open(directory, GroupId.DEFAULT, KeyspaceOptions.defaults());
    applier = applier(-1);
  }

  @AfterEach
  void close() {
    keyspace.close();
  }

  private EntryApplier applier(long quotaBytes) {
    return new EntryApplier(
        new MembershipState(Membership.getDefaultInstance()),
        new AlarmState(AlarmState.storedIn(keyspace)),
        new Quota(quotaBytes),
        exceeded::incrementAndGet);
  }

  private static PutRequest put(int valueBytes) {
    return PutRequest.newBuilder()
        .setKey(ByteString.copyFromUtf8("key"))
        .setValue(ByteString.copyFrom(new byte[valueBytes]))
        .build();
  }

  private Outcome<Object> apply(Command.Builder command) {
    try (ApplyBatch batch = keyspace.beginBatch()) {
      LogPosition at = new LogPosition(++index, 1);
      Entry entry =
          new Entry(at.index(), at.term(), EntryKind.COMMAND, command.build().toByteString());
      EntryApplier.Answer answer = applier.apply(batch, entry);
      applier.writeTo(batch);
      var unused = batch.commit();
      applier.written();
      assertEquals(at, keyspace.applied());
      return answer.outcome();
    }
  }

  private List<AlarmMember> alarm(AlarmAction action, long member, int type) {
    AlarmRequest request =
        AlarmRequest.newBuilder().setAction(action).setMemberID(member).setAlarmValue(type).build();
    Outcome<Object> outcome = apply(Command.newBuilder().setAlarm(request));
    Object answer = assertInstanceOf(Outcome.Ok.class, outcome).value();
    return assertInstanceOf(AlarmResponse.Builder.class, answer).getAlarmsList();
  }

  private static AlarmMember pair(long member, int type) {
    return AlarmMember.newBuilder().setMemberID(member).setAlarmValue(type).build();
  }

  private void raise(AlarmType type) {
    assertEquals(
        List.of(pair(7, type.getNumber())), alarm(AlarmAction.ACTIVATE, 7, type.getNumber()));
  }

  private void isRefused(EtcdError error, Command.Builder command) {
    long revision = keyspace.currentRevision();
    assertEquals(Outcome.refused(error), apply(command));
    assertEquals(revision, keyspace.currentRevision());
  }

  private void isApplied(Command.Builder command) {
    assertInstanceOf(Outcome.Ok.class, apply(command), command.toString());
  }

  @Test
  void alarmsAreRaisedListedAndClearedAsPairs() {
    int noSpace = AlarmType.NOSPACE_VALUE;
    int corrupt = AlarmType.CORRUPT_VALUE;
    assertEquals(List.of(), alarm(AlarmAction.GET, 0, 0));
    assertEquals(List.of(), alarm(AlarmAction.ACTIVATE, 5, 0));
    assertEquals(List.of(pair(5, corrupt)), alarm(AlarmAction.ACTIVATE, 5, corrupt));
    assertEquals(List.of(pair(-1, noSpace)), alarm(AlarmAction.ACTIVATE, -1, noSpace));
    assertEquals(List.of(pair(5, noSpace)), alarm(AlarmAction.ACTIVATE, 5, noSpace));
    assertEquals(List.of(pair(5, noSpace)), alarm(AlarmAction.ACTIVATE, 5, noSpace));
    assertEquals(List.of(pair(0, 9)), alarm(AlarmAction.ACTIVATE, 0, 9));
    assertEquals(
        List.of(pair(5, noSpace), pair(-1, noSpace), pair(5, corrupt), pair(0, 9)),
        alarm(AlarmAction.GET, 77, 0));
    assertEquals(List.of(pair(5, noSpace), pair(-1, noSpace)), alarm(AlarmAction.GET, 77, noSpace));
    assertEquals(List.of(), alarm(AlarmAction.DEACTIVATE, 6, noSpace));
    assertEquals(List.of(), alarm(AlarmAction.DEACTIVATE, 5, 0));
    assertEquals(List.of(pair(5, noSpace)), alarm(AlarmAction.DEACTIVATE, 5, noSpace));
    assertEquals(List.of(), alarm(AlarmAction.DEACTIVATE, 5, noSpace));
    assertEquals(
        AlarmSet.newBuilder()
            .addAlarms(pair(-1, noSpace))
            .addAlarms(pair(5, corrupt))
            .addAlarms(pair(0, 9))
            .build(),
        AlarmState.storedIn(keyspace));
  }

  @Test
  void alarmsAreThereInTheNextLife() {
    raise(AlarmType.NOSPACE);
    keyspace.close();
    open();
    isRefused(EtcdError.NO_SPACE, PUT);
    assertEquals(1, alarm(AlarmAction.GET, 0, 0).size());
  }

  @Test
  void noSpaceRefusesWhatGrowsTheStoreAndNothingElse() {
    isApplied(PUT);
    raise(AlarmType.NOSPACE);
    isRefused(EtcdError.NO_SPACE, PUT);
    isRefused(EtcdError.NO_SPACE, NESTED_TXN);
    isApplied(DELETE);
    isApplied(DELETING_TXN);
    isApplied(Command.newBuilder().setCompaction(CompactionRequest.newBuilder().setRevision(2)));
    isApplied(Command.newBuilder().setMemberAttributes(MemberAttributes.getDefaultInstance()));
    assertEquals(1, alarm(AlarmAction.DEACTIVATE, 7, AlarmType.NOSPACE_VALUE).size());
    isApplied(PUT);
    assertEquals(0, exceeded.get());
  }

  @Test
  void corruptRefusesEverythingThatChangesTheKeyspace() {
    isApplied(PUT);
    raise(AlarmType.NOSPACE);
    raise(AlarmType.CORRUPT);
    for (Command.Builder command :
        List.of(
            PUT,
            DELETE,
            DELETING_TXN,
            NESTED_TXN,
            Command.newBuilder().setTxn(TxnRequest.getDefaultInstance()),
            Command.newBuilder().setCompaction(CompactionRequest.newBuilder().setRevision(2)))) {
      isRefused(EtcdError.CORRUPT, command);
    }
    isApplied(Command.newBuilder().setMemberAttributes(MemberAttributes.getDefaultInstance()));
    alarm(AlarmAction.DEACTIVATE, 7, AlarmType.CORRUPT_VALUE);
    isRefused(EtcdError.NO_SPACE, PUT);
    isApplied(DELETE);
  }

  @Test
  void whatPassesTheQuotaIsAppliedAndAnsweredAsIfItWereNot() {
    applier = applier(keyspace.sizeBytes() + 2_000);
    isApplied(PUT);
    assertEquals(0, exceeded.get());
    assertEquals(
        Outcome.refused(EtcdError.NO_SPACE), apply(Command.newBuilder().setPut(put(2_000))));
    assertEquals(3, keyspace.currentRevision());
    assertEquals(1, exceeded.get());
    assertEquals(Outcome.refused(EtcdError.NO_SPACE), apply(NESTED_TXN));
    assertEquals(2, exceeded.get());
    isApplied(DELETE);
    isApplied(DELETING_TXN);
    assertEquals(
        Outcome.refused(EtcdError.LEASE_NOT_FOUND),
        apply(Command.newBuilder().setPut(put(10).toBuilder().setLease(1))));
    assertEquals(2, exceeded.get());
  }
}
