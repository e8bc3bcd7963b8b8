package io.kvorum.actors.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.ReplicaMessage;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.actors.wal.RecoveredLog;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What start-up makes of log and keyspace. */
class InterruptedInstallTest {
  private static final LogPosition AT = new LogPosition(40, 3);
  private static final LogIdentity IDENTITY =
      new LogIdentity(GroupId.DEFAULT, SnapshotCluster.CLUSTER, new MemberId(2), "token");

  @TempDir Path directory;

  private static RecoveredLog log(LogPosition base, int entries) {
    List<Entry> behind =
        java.util.stream.LongStream.rangeClosed(base.index() + 1, base.index() + entries)
            .mapToObj(i -> new Entry(i, base.term(), EntryKind.COMMAND, ByteString.EMPTY))
            .toList();
    return new RecoveredLog(IDENTITY, new HardState(9, MemberId.NONE), base, behind);
  }

  @Test
  void theLogIsEmptiedOnlyWhereTheSwitchWasMadeAndItWasNot() {
    try (var members =
        new SnapshotCluster(directory, SnapshotCluster.SETTINGS, SnapshotCluster.PERFECT)) {
      var leader = members.member(1);
      var follower = members.member(2);
      leader.fill(40, 100, new Random(1));
      RecoveredLog before = log(new LogPosition(3, 1), 60);
      assertEquals(Optional.empty(), InterruptedInstall.replaceLogAt(follower.keyspace, before));
      follower.logAnswers = false;
      leader.send(follower, 3);
      SnapshotCluster.await("the switch", () -> !follower.logReplacements.isEmpty());
      assertEquals(Optional.of(AT), InterruptedInstall.replaceLogAt(follower.keyspace, before));
      RecoveredLog replaced = InterruptedInstall.replaced(before, AT);
      assertEquals(new RecoveredLog(IDENTITY, before.hardState(), AT, List.of()), replaced);
      assertEquals(Optional.empty(), InterruptedInstall.replaceLogAt(follower.keyspace, replaced));
      follower.snapshots.tell(new Snapshots.LogReplaced(AT));
      follower.await(ReplicaMessage.SnapshotInstalled.class);
      assertTrue(follower.keyspace.unfinishedInstall().isEmpty());
      assertEquals(
          Optional.empty(), InterruptedInstall.replaceLogAt(follower.keyspace, log(AT, 2)));
    }
  }
}
