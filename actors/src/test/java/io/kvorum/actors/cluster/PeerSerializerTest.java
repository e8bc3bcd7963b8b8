package io.kvorum.actors.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import io.kvorum.actors.raft.Proposal;
import io.kvorum.actors.raft.RaftMessage;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.actors.snapshot.SnapshotMessage;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.LogEntry;
import io.kvorum.protocol.internal.Membership;
import io.kvorum.protocol.internal.PeerAppend;
import io.kvorum.protocol.internal.PeerEnvelope;
import io.kvorum.protocol.internal.PeerProposalsRefused;
import io.kvorum.protocol.internal.PeerRefusal;
import java.io.NotSerializableException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PeerSerializerTest {
  private static final int ROUNDS = 300;
  private static final String VERSION = "3.7.1";

  private final PeerSerializer serializer = new PeerSerializer();

  /** As Artery's are. */
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(1 << 20).order(ByteOrder.LITTLE_ENDIAN);

  @Test
  void everyMessageComesOutAsItWentIn() throws Exception {
    Long chosen = Long.getLong("kvorum.peer.seed");
    long seed = chosen == null ? System.nanoTime() : chosen;
    Random random = new Random(seed);
    Set<Class<?>> seen = new HashSet<>();
    try {
      for (int i = 0; i < ROUNDS; i++) {
        for (PeerMessage.Body body : bodies(random)) {
          seen.add(said(body));
          roundTrip(PeerMessage.of(header(random), body));
        }
      }
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError("replay with -Dkvorum.peer.seed=" + seed, e);
    }
    Set<Class<?>> all = new HashSet<>(List.of(RaftMessage.class.getPermittedSubclasses()));
    all.addAll(List.of(SnapshotMessage.class.getPermittedSubclasses()));
    all.addAll(List.of(PeerMessage.Body.class.getPermittedSubclasses()));
    all.removeAll(
        Set.of(PeerMessage.Raft.class, PeerMessage.Snapshot.class, PeerMessage.Unknown.class));
    assertEquals(all, seen, "kinds of messages tried");
  }

  @Test
  void whatOnlyANewerVersionSaysIsUnknownAndNoError() throws Exception {
    PeerEnvelope.Builder base =
        PeerEnvelope.newBuilder().setProtocol(PeerCodec.PROTOCOL).setServerVersion("3.9.0");
    PeerEnvelope newBody =
        base.clone()
            .setUnknownFields(
                UnknownFieldSet.newBuilder()
                    .addField(
                        999,
                        UnknownFieldSet.Field.newBuilder()
                            .addLengthDelimited(ByteString.copyFromUtf8("hello"))
                            .build())
                    .build())
            .build();
    PeerEnvelope newKind =
        base.clone()
            .setAppend(PeerAppend.newBuilder().addEntries(LogEntry.newBuilder().setKind(77)))
            .build();
    PeerEnvelope newError =
        base.clone()
            .setProposalsRefused(PeerProposalsRefused.newBuilder().setError("NOT_YET_INVENTED"))
            .build();
    PeerEnvelope newProtocol =
        base.clone().setProtocol(PeerCodec.PROTOCOL + 1).setAppend(PeerAppend.newBuilder()).build();
    for (PeerEnvelope envelope : List.of(newBody, newKind, newError, newProtocol)) {
      PeerMessage read =
          assertInstanceOf(PeerMessage.class, serializer.fromBinary(envelope.toByteArray(), "e"));
      assertInstanceOf(PeerMessage.Unknown.class, read.body());
      assertEquals("3.9.0", read.header().serverVersion());
    }
  }

  @Test
  void garbageIsNoMessage() {
    byte[] garbage = {(byte) 0xff, 1, 2, 3, (byte) 0xff, (byte) 0xff};
    assertThrows(NotSerializableException.class, () -> serializer.fromBinary(garbage, "e"));
  }

  private void roundTrip(PeerMessage message) throws Exception {
    buffer.clear().position(17);
    serializer.toBinary(message, buffer);
    buffer.flip().position(17);
    assertEquals(message, serializer.fromBinary(buffer, serializer.manifest(message)));
    assertEquals(message, serializer.fromBinary(serializer.toBinary(message), "e"));
  }

  private static Class<?> said(PeerMessage.Body body) {
    return switch (body) {
      case PeerMessage.Raft(var message) -> message.getClass();
      case PeerMessage.Snapshot(var message) -> message.getClass();
      case PeerMessage.Body other -> other.getClass();
    };
  }

  private static PeerMessage.Header header(Random r) {
    return new PeerMessage.Header(
        VERSION,
        r.nextLong(),
        new GroupId(r.nextInt(1 << 20)),
        new MemberId(r.nextLong()),
        new MemberId(r.nextLong()));
  }

  private static List<PeerMessage.Body> bodies(Random r) {
    List<PeerMessage.Body> bodies = new ArrayList<>();
    for (RaftMessage message : raft(r)) {
      bodies.add(new PeerMessage.Raft(message));
    }
    for (SnapshotMessage message : snapshot(r)) {
      bodies.add(new PeerMessage.Snapshot(message));
    }
    PeerRefusal.Reason reason = PeerRefusal.Reason.forNumber(r.nextInt(5));
    bodies.add(
        new PeerMessage.Refusal(
            reason == null ? PeerRefusal.Reason.REMOVED : reason, "text " + r.nextInt()));
    bodies.add(new PeerMessage.Ping());
    bodies.add(new PeerMessage.Question(r.nextLong(), bytes(r, 200)));
    bodies.add(new PeerMessage.Answer(r.nextLong(), bytes(r, 200)));
    bodies.add(new PeerMessage.InfoRequest(r.nextLong()));
    bodies.add(
        new PeerMessage.InfoResponse(
            r.nextLong(),
            new PeerInfo(
                r.nextBoolean(),
                r.nextLong(),
                new MemberId(r.nextLong()),
                Membership.newBuilder()
                    .setClusterId(r.nextLong())
                    .addRemovedIds(r.nextLong())
                    .addMembers(Membership.Member.newBuilder().setId(r.nextLong()).setName("m"))
                    .build(),
                // Not sent of its own: it is the envelope's.
                VERSION)));
    return bodies;
  }

  private static List<RaftMessage> raft(Random r) {
    List<Entry> entries = new ArrayList<>();
    List<Proposal> proposals = new ArrayList<>();
    List<Long> ids = new ArrayList<>();
    for (int i = r.nextInt(6); i > 0; i--) {
      EntryKind kind = EntryKind.values()[r.nextInt(EntryKind.values().length)];
      entries.add(new Entry(number(r), number(r), kind, bytes(r, 2_000)));
      proposals.add(new Proposal(r.nextLong(), kind, bytes(r, 2_000)));
      ids.add(r.nextLong());
    }
    return List.of(
        new RaftMessage.VoteRequest(number(r), position(r), r.nextBoolean(), r.nextBoolean()),
        new RaftMessage.VoteResponse(number(r), r.nextBoolean(), r.nextBoolean()),
        new RaftMessage.Append(number(r), position(r), entries, number(r)),
        new RaftMessage.Appended(number(r), number(r)),
        new RaftMessage.AppendRejected(number(r), number(r), position(r)),
        new RaftMessage.Heartbeat(number(r), number(r), number(r)),
        new RaftMessage.Committed(number(r), position(r)),
        new RaftMessage.HeartbeatResponse(number(r), number(r)),
        new RaftMessage.Forward(number(r), proposals),
        new RaftMessage.ReadIndexRequest(number(r), r.nextLong()),
        new RaftMessage.ReadIndexResponse(number(r), r.nextLong(), number(r)),
        new RaftMessage.TimeoutNow(number(r)),
        new RaftMessage.Refused(
            number(r), ids, EtcdError.values()[r.nextInt(EtcdError.values().length)]));
  }

  private static List<SnapshotMessage> snapshot(Random r) {
    return List.of(
        new SnapshotMessage.Offer(r.nextLong(), number(r), position(r), number(r)),
        new SnapshotMessage.Accept(r.nextLong(), number(r)),
        new SnapshotMessage.Chunk(r.nextLong(), number(r), bytes(r, 5_000), r.nextInt()),
        new SnapshotMessage.Ack(r.nextLong(), number(r)),
        new SnapshotMessage.Done(r.nextLong(), number(r), bytes(r, 32)),
        new SnapshotMessage.Verified(r.nextLong()),
        new SnapshotMessage.Abort(r.nextLong(), "reason " + r.nextInt()));
  }

  private static long number(Random r) {
    return r.nextLong() >>> (1 + r.nextInt(62));
  }

  private static LogPosition position(Random r) {
    return new LogPosition(number(r), number(r));
  }

  private static ByteString bytes(Random r, int max) {
    byte[] bytes = new byte[r.nextInt(max + 1)];
    r.nextBytes(bytes);
    return ByteString.copyFrom(bytes);
  }
}
