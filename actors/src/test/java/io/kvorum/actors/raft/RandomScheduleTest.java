package io.kvorum.actors.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.actors.raft.log.RaftLog;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.apache.pekko.actor.testkit.typed.javadsl.BehaviorTestKit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Three members whose messages are lost, delayed, doubled and reordered, and who crash with the
 * loss of all that was not synced. After each step: at most one leader per term, and all members
 * apply the same entries in the same order. In the end, on a quiet network, everything proposed to
 * the leader is applied by all.
 *
 * <p>Replay one seed: {@code mvn -pl actors test -Dtest=RandomScheduleTest -Draft.seed=N}.
 */
final class RandomScheduleTest {
  private static final int MEMBERS = 3;
  private static final int STEPS = 3000;

  static IntStream seeds() {
    Integer one = Integer.getInteger("raft.seed");
    return one == null ? IntStream.range(0, 150) : IntStream.of(one);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void oneHistory(int seed) {
    Cluster cluster = new Cluster(seed);
    for (int step = 0; step < STEPS; step++) {
      cluster.step();
    }
    cluster.settle();
  }

  /** A member: its replica, its disk, and what is on the way to it. */
  private static final class Node {
    final MemberId id;
    HardState syncedState = HardState.INITIAL;
    List<Entry> syncedLog = new ArrayList<>();
    final List<Entry> applied = new ArrayList<>();
    final ArrayList<RecordingPorts.Write> unsynced = new ArrayList<>();
    BehaviorTestKit<ReplicaMessage> kit;

    Node(MemberId id, BehaviorTestKit<ReplicaMessage> kit) {
      this.id = id;
      this.kit = kit;
    }
  }

  private record InFlight(MemberId from, MemberId to, RaftMessage message) {}

  private static final class Cluster {
    final SplittableRandom random;
    final List<Node> nodes = new ArrayList<>();
    final ArrayList<InFlight> network = new ArrayList<>();
    final Map<Long, MemberId> leaders = new HashMap<>();
    final List<Entry> history = new ArrayList<>();
    long proposals;
    boolean faults = true;

    Cluster(int seed) {
      random = new SplittableRandom(seed);
      for (int i = 1; i <= MEMBERS; i++) {
        MemberId id = new MemberId(i);
        Node[] holder = new Node[1];
        Node node = new Node(id, start(id, HardState.INITIAL, List.of(), 0, holder));
        holder[0] = node;
        nodes.add(node);
      }
    }

    BehaviorTestKit<ReplicaMessage> start(
        MemberId id, HardState state, List<Entry> log, long applied, Node[] holder) {
      List<MemberId> all = IntStream.rangeClosed(1, MEMBERS).mapToObj(MemberId::new).toList();
      Ports ports =
          new Ports(
              (to, message) -> network.add(new InFlight(id, to, message)),
              new Ports.Wal() {
                @Override
                public void write(
                    HardState hardState, List<Entry> entries, List<Ports.Envelope> release) {
                  holder[0].unsynced.add(new RecordingPorts.Write(hardState, entries, release));
                }

                @Override
                public void compact(LogPosition base) {}
              },
              entries -> apply(holder[0], entries),
              new Ports.Replies() {
                @Override
                public void readIndex(long token, long index) {}

                @Override
                public void refused(long requestId, EtcdError error) {}
              },
              new Ports.Observer() {
                @Override
                public void leader(MemberId leader, long term) {
                  if (leader.equals(id)) {
                    MemberId other = leaders.putIfAbsent(term, id);
                    assertTrue(other == null || other.equals(id), "two leaders in term " + term);
                  }
                }

                @Override
                public void committed(long index) {}
              },
              new RecordingPorts());
      return BehaviorTestKit.create(
          Replica.create(
              id,
              RaftSettings.of(10, 1, true, 5000),
              random.split(),
              state,
              new RaftLog(LogPosition.ZERO, log, applied),
              Configuration.of(all, List.of()),
              ports));
    }

    void apply(Node node, List<Entry> entries) {
      for (Entry entry : entries) {
        node.applied.add(entry);
        int at = node.applied.size() - 1;
        if (at < history.size()) {
          assertEquals(history.get(at), entry, "applied by member " + node.id);
        } else {
          history.add(entry);
        }
      }
    }

    void step() {
      Node node = nodes.get(random.nextInt(MEMBERS));
      int dice = random.nextInt(100);
      if (dice < 20) {
        run(node, new ReplicaMessage.Tick());
      } else if (dice < 30) {
        sync(node);
      } else if (dice < 36) {
        propose(node);
      } else if (dice == 36 && faults) {
        crash(node);
      } else if (!network.isEmpty()) {
        deliver(network.remove(random.nextInt(network.size())));
      }
    }

    void propose(Node node) {
      run(
          node,
          new ReplicaMessage.Propose(
              new Proposal(
                  ++proposals, EntryKind.COMMAND, ByteString.copyFromUtf8("p" + proposals))));
    }

    void deliver(InFlight message) {
      int fate = faults ? random.nextInt(100) : 100;
      if (fate < 10) {
        return;
      }
      if (fate < 15) {
        network.add(message);
      }
      run(
          nodes.get((int) message.to().value() - 1),
          new ReplicaMessage.FromPeer(message.from(), message.message()));
    }

    /** The oldest write of a member reaches its disk. */
    void sync(Node node) {
      if (node.unsynced.isEmpty()) {
        return;
      }
      RecordingPorts.Write write = node.unsynced.removeFirst();
      node.syncedState = write.hardState();
      if (!write.entries().isEmpty()) {
        int keep = (int) write.entries().getFirst().index() - 1;
        node.syncedLog = new ArrayList<>(node.syncedLog.subList(0, keep));
        node.syncedLog.addAll(write.entries());
      }
      LogPosition last =
          node.syncedLog.isEmpty() ? LogPosition.ZERO : node.syncedLog.getLast().position();
      run(node, new ReplicaMessage.Persisted(write.hardState(), last, write.release()));
    }

    /** Everything that was not synced is lost; the state machine keeps what it applied. */
    void crash(Node node) {
      node.unsynced.clear();
      Node[] holder = {node};
      node.kit = start(node.id, node.syncedState, node.syncedLog, node.applied.size(), holder);
    }

    void run(Node node, ReplicaMessage message) {
      node.kit.run(message);
      while (node.kit.selfInbox().hasMessages()) {
        node.kit.run(node.kit.selfInbox().receiveMessage());
      }
    }

    /**
     * Without faults a leader is found and all members come to the same history, with a new entry
     * in it.
     */
    void settle() {
      faults = false;
      String marker = "p" + (proposals + 1);
      boolean proposed = false;
      for (int round = 0; round < 400; round++) {
        nodes.forEach(n -> run(n, new ReplicaMessage.Tick()));
        for (int i = 0; i < 20; i++) {
          nodes.forEach(this::sync);
          List<InFlight> now = List.copyOf(network);
          network.clear();
          now.forEach(this::deliver);
        }
        if (round == 200) {
          propose(nodes.getFirst());
          proposed = true;
        }
      }
      assertTrue(proposed);
      assertTrue(
          history.stream().anyMatch(e -> e.payload().toStringUtf8().equals(marker)),
          "the last proposal was never applied");
      for (Node node : nodes) {
        assertEquals(history.size(), node.applied.size(), "member " + node.id + " lags");
      }
    }
  }
}
