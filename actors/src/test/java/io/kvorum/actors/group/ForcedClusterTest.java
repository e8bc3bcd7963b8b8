package io.kvorum.actors.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.ByteString;
import io.kvorum.actors.apply.MembershipState;
import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.actors.wal.RecoveredLog;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import io.kvorum.protocol.internal.MembershipChange;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ForcedClusterTest {
  private static final LogIdentity SELF =
      new LogIdentity(GroupId.DEFAULT, 9, new MemberId(2), "token");

  private static Entry change(long index, MembershipChange.Kind kind, long member) {
    return new Entry(
        index,
        4,
        EntryKind.MEMBERSHIP,
        MembershipChange.newBuilder()
            .setKind(kind)
            .setMemberId(member)
            .addPeerUrls("http://h:" + member)
            .build()
            .toByteString());
  }

  private static Entry command(long index) {
    return new Entry(index, 4, EntryKind.COMMAND, ByteString.EMPTY);
  }

  private static RecoveredLog log(Entry... entries) {
    return new RecoveredLog(
        SELF, new HardState(5, MemberId.NONE), new LogPosition(10, 4), List.of(entries));
  }

  private static Membership members(long... ids) {
    MembershipState state = new MembershipState(Membership.getDefaultInstance());
    for (long id : ids) {
      state.apply(MembershipState.change(change(1, MembershipChange.Kind.ADD_VOTER, id)));
    }
    return state.get();
  }

  private static List<String> described(List<Entry> entries) {
    return entries.stream()
        .map(
            entry -> {
              MembershipChange change = MembershipState.change(entry);
              return entry.index()
                  + "/"
                  + entry.term()
                  + " "
                  + change.getKind()
                  + " "
                  + change.getMemberId();
            })
        .toList();
  }

  @Test
  void allOthersAreRemovedBehindWhatTheLogHolds() {
    RecoveredLog log =
        log(command(11), change(12, MembershipChange.Kind.ADD_VOTER, 4), command(13));
    List<Entry> entries = ForcedCluster.removalOfOthers(SELF, log, 11, members(1, 2, 3));
    assertEquals(List.of("14/6 REMOVE 1", "15/6 REMOVE 3", "16/6 REMOVE 4"), described(entries));
    RecoveredLog extended = ForcedCluster.extended(log, entries);
    assertEquals(16, extended.lastIndex());
    assertEquals(new HardState(6, MemberId.NONE), extended.hardState());
  }

  @Test
  void aLearnerIsPromotedFirst() {
    RecoveredLog log = log(change(11, MembershipChange.Kind.ADD_LEARNER, 2));
    assertEquals(
        List.of("12/6 PROMOTE 2", "13/6 REMOVE 1"),
        described(ForcedCluster.removalOfOthers(SELF, log, 10, members(1))));
  }

  @Test
  void whoIsAloneStaysAsItIs() {
    RecoveredLog log = log(command(11));
    List<Entry> none = ForcedCluster.removalOfOthers(SELF, log, 11, members(2));
    assertEquals(List.of(), none);
    assertEquals(log, ForcedCluster.extended(log, none));
  }

  @Test
  void whoWasRemovedCannotGoOn() {
    RecoveredLog log = log(change(11, MembershipChange.Kind.REMOVE, 2));
    assertThrows(
        Bootstrap.RefusedException.class,
        () -> ForcedCluster.removalOfOthers(SELF, log, 10, members(1, 2)));
  }
}
