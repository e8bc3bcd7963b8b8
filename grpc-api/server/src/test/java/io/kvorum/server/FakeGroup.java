package io.kvorum.server;

import com.google.protobuf.ByteString;
import io.kvorum.actors.group.Alarms;
import io.kvorum.actors.group.Group;
import io.kvorum.actors.group.GroupStatus;
import io.kvorum.actors.group.Leases;
import io.kvorum.actors.group.Maintenance;
import io.kvorum.actors.group.MemberAdministration;
import io.kvorum.actors.raft.membership.Standing;
import io.kvorum.actors.watch.ResponseChunk;
import io.kvorum.persistence.mvcc.History;
import io.kvorum.persistence.mvcc.KeyValueHash;
import io.kvorum.persistence.mvcc.RangePosition;
import io.kvorum.persistence.mvcc.RangeWalk;
import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.AlarmMember;
import io.kvorum.protocol.etcdserverpb.AlarmResponse;
import io.kvorum.protocol.etcdserverpb.AlarmType;
import io.kvorum.protocol.etcdserverpb.CompactionResponse;
import io.kvorum.protocol.etcdserverpb.DeleteRangeResponse;
import io.kvorum.protocol.etcdserverpb.Member;
import io.kvorum.protocol.etcdserverpb.PutResponse;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import io.kvorum.protocol.etcdserverpb.TxnResponse;
import io.kvorum.protocol.etcdserverpb.WatchRequest;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import io.kvorum.protocol.internal.Command;
import io.kvorum.protocol.internal.Membership;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.pekko.Done;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;
import org.jspecify.annotations.Nullable;

/** A group whose answers the test decides; by default everything succeeds at {@link #REVISION}. */
final class FakeGroup implements Group, AutoCloseable {
  static final long CLUSTER_ID = 0xcafeL;
  static final long MEMBER_ID = 0xbeefL;
  static final long TERM = 7;
  static final long REVISION = 42;

  final ConcurrentLinkedQueue<Command> proposed = new ConcurrentLinkedQueue<>();
  final AtomicInteger barriers = new AtomicInteger();
  final AtomicInteger openViews = new AtomicInteger();
  volatile MemberId leader = new MemberId(MEMBER_ID);
  volatile Standing standing = Standing.VOTER;
  volatile String clusterVersion = "3.7.0";
  volatile String downgradeTarget = "";
  volatile long room = Long.MAX_VALUE;
  final CopyOnWriteArrayList<AlarmMember> alarms = new CopyOnWriteArrayList<>();
  volatile Supplier<CompletionStage<Outcome<Done>>> barrier =
      () -> CompletableFuture.completedFuture(open());
  volatile Function<Command, CompletionStage<Outcome<Object>>> proposals =
      command -> CompletableFuture.completedFuture(Outcome.ok(reply(command)));
  volatile Function<RangeRequest, Outcome<RangeResponse.Builder>> ranges =
      request -> Outcome.ok(RangeResponse.newBuilder().setHeader(revision()));
  volatile Function<Source<WatchRequest, NotUsed>, Source<WatchResponse, NotUsed>> watches =
      requests -> Source.never();
  final FakeLeases leases = new FakeLeases();
  volatile CompletionStage<Void> compacted = CompletableFuture.completedFuture(null);
  volatile Executor readExecutor;
  volatile long compactedRevision = -1;

  /** Walks that go on over a view of their own. */
  final AtomicInteger walksGoneOn = new AtomicInteger();

  private final ExecutorService reads = Executors.newFixedThreadPool(2);

  /** What the next change of members is answered; {@code null} for success. */
  volatile @Nullable EtcdError memberRefusal;

  final ConcurrentLinkedQueue<String> memberChanges = new ConcurrentLinkedQueue<>();

  FakeGroup() {
    this.readExecutor = reads;
  }

  static Outcome<Done> open() {
    return Outcome.ok(Done.getInstance());
  }

  private static ResponseHeader revision() {
    return ResponseHeader.newBuilder().setRevision(REVISION).build();
  }

  private static Object reply(Command command) {
    return switch (command.getRequestCase()) {
      case PUT -> PutResponse.newBuilder().setHeader(revision());
      case DELETE_RANGE -> DeleteRangeResponse.newBuilder().setHeader(revision());
      case TXN -> TxnResponse.newBuilder().setHeader(revision()).setSucceeded(true);
      case ALARM -> AlarmResponse.newBuilder();
      case DOWNGRADE -> Membership.getDefaultInstance();
      case COMPACTION -> CompactionResponse.newBuilder().setHeader(revision());
      default -> throw new IllegalArgumentException("unexpected command " + command);
    };
  }

  @Override
  public <T> CompletionStage<Outcome<T>> propose(Command.Builder command, Class<T> reply) {
    Command built = command.build();
    proposed.add(built);
    return proposals.apply(built).thenApply(outcome -> outcome.map(reply::cast));
  }

  @Override
  public CompletionStage<Outcome<Done>> linearizableBarrier() {
    barriers.incrementAndGet();
    return barrier.get();
  }

  @Override
  public ReadView view() {
    openViews.incrementAndGet();
    return new View();
  }

  @Override
  public ResponseHeader header() {
    return header(REVISION);
  }

  @Override
  public Leases leases() {
    return leases;
  }

  @Override
  public ResponseHeader header(long revision) {
    return ResponseHeader.newBuilder()
        .setClusterId(CLUSTER_ID)
        .setMemberId(MEMBER_ID)
        .setRaftTerm(TERM)
        .setRevision(revision)
        .build();
  }

  @Override
  public GroupStatus status() {
    return new GroupStatus(
        new MemberId(MEMBER_ID),
        CLUSTER_ID,
        leader,
        TERM,
        101,
        100,
        standing == Standing.LEARNER,
        REVISION,
        clusterVersion,
        downgradeTarget,
        List.of(Member.newBuilder().setID(MEMBER_ID).setName("default").build()),
        20_480,
        16_384);
  }

  @Override
  public MemberId leader() {
    return leader;
  }

  @Override
  public Standing standing() {
    return standing;
  }

  @Override
  public MemberId member() {
    return new MemberId(MEMBER_ID);
  }

  @Override
  public Alarms alarms() {
    return new FakeAlarms();
  }

  @Override
  public boolean hasRoomFor(long costBytes) {
    return costBytes == 0 || costBytes <= room;
  }

  @Override
  public MemberAdministration members() {
    return new Administration();
  }

  @Override
  public Maintenance maintenance() {
    return new FakeMaintenance();
  }

  @Override
  public CompletionStage<Void> physicalCompaction() {
    return compacted;
  }

  @Override
  public Source<ResponseChunk, NotUsed> watch(Source<WatchRequest, NotUsed> requests) {
    return watches.apply(requests).map(ResponseChunk::of);
  }

  @Override
  public Executor readExecutor() {
    return readExecutor;
  }

  @Override
  public void close() {
    reads.shutdownNow();
  }

  /** A store of one snapshot piece, which is compacted below revision 10. */
  private static final class FakeMaintenance implements Maintenance {
    @Override
    public CompletionStage<Outcome<Hashed<KeyValueHash>>> hashOfRecords(long revision) {
      return CompletableFuture.completedFuture(
          revision < 10
              ? Outcome.refused(EtcdError.COMPACTED)
              : Outcome.ok(new Hashed<>(new KeyValueHash(-2, revision, 10), REVISION)));
    }

    @Override
    public List<KeyValueHash> compactionHashes() {
      return List.of();
    }

    @Override
    public CompletionStage<Outcome<Hashed<Integer>>> hashOfAll() {
      return CompletableFuture.completedFuture(Outcome.ok(new Hashed<>(-3, REVISION)));
    }

    @Override
    public CompletionStage<Outcome<Done>> defragment() {
      return CompletableFuture.completedFuture(open());
    }

    @Override
    public Source<SnapshotPiece, NotUsed> snapshot() {
      return Source.from(
          List.of(
              new SnapshotPiece(ByteString.copyFromUtf8("content"), 0),
              new SnapshotPiece(ByteString.copyFromUtf8("checksum"), 0)));
    }
  }

  private final class FakeAlarms implements Alarms {
    @Override
    public CompletionStage<Outcome<Done>> activate(MemberId member, AlarmType type) {
      alarms.add(AlarmMember.newBuilder().setMemberID(member.value()).setAlarm(type).build());
      return CompletableFuture.completedFuture(open());
    }

    @Override
    public List<AlarmMember> list() {
      return List.copyOf(alarms);
    }

    @Override
    public boolean isRaised(AlarmType type) {
      return alarms.stream().anyMatch(alarm -> alarm.getAlarm() == type);
    }

    @Override
    public void listen(Consumer<List<AlarmMember>> listener) {
      throw new UnsupportedOperationException("no changes in a fake");
    }
  }

  private final class Administration implements MemberAdministration {
    private <T> CompletionStage<Outcome<T>> answer(String change, T success) {
      memberChanges.add(change);
      EtcdError refusal = memberRefusal;
      return CompletableFuture.completedFuture(
          refusal == null ? Outcome.ok(success) : Outcome.refused(refusal));
    }

    @Override
    public CompletionStage<Outcome<Added>> add(List<String> peerUrls, boolean learner) {
      Member added =
          Member.newBuilder().setID(5).addAllPeerURLs(peerUrls).setIsLearner(learner).build();
      return answer(
          "add " + peerUrls + (learner ? " learner" : ""),
          new Added(added, List.of(added, status().members().getFirst())));
    }

    @Override
    public CompletionStage<Outcome<List<Member>>> remove(MemberId member) {
      return answer("remove " + member, status().members());
    }

    @Override
    public CompletionStage<Outcome<List<Member>>> update(MemberId member, List<String> peerUrls) {
      return answer("update " + member + " " + peerUrls, status().members());
    }

    @Override
    public CompletionStage<Outcome<List<Member>>> promote(MemberId member) {
      return answer("promote " + member, status().members());
    }

    @Override
    public CompletionStage<Outcome<Done>> moveLeader(MemberId to) {
      return answer("move " + to, Done.getInstance());
    }
  }

  private final class View implements ReadView {
    @Override
    public long currentRevision() {
      return REVISION;
    }

    @Override
    public long compactedRevision() {
      return compactedRevision;
    }

    @Override
    public Outcome<RangeResponse.Builder> range(RangeRequest request, long maxBytes) {
      Outcome<RangeResponse.Builder> answer = ranges.apply(request);
      return answer instanceof Outcome.Ok<RangeResponse.Builder>(var response)
              && response.clone().build().getSerializedSize() > maxBytes
          ? Outcome.refused(EtcdError.ANSWER_TOO_LARGE)
          : answer;
    }

    @Override
    public Outcome<RangeWalk> walk(RangeRequest request) {
      return ranges.apply(request).map(response -> new FakeWalk(response.build(), null));
    }

    @Override
    public Outcome<RangeWalk> walkOn(RangeRequest request, RangePosition from) {
      walksGoneOn.incrementAndGet();
      return from.revision() < compactedRevision
          ? Outcome.refused(EtcdError.COMPACTED)
          : ranges.apply(request).map(response -> new FakeWalk(response.build(), from));
    }

    @Override
    public Outcome<TxnResponse.Builder> readOnlyTxn(TxnRequest request, long maxBytes) {
      return Outcome.ok(TxnResponse.newBuilder().setHeader(revision()).setSucceeded(true));
    }

    @Override
    public Outcome<History> history(long fromRevision, int maxRevisions, long maxBytes) {
      throw new UnsupportedOperationException("no history in a fake");
    }

    @Override
    public @Nullable KeyValue get(ByteString key, long revision) {
      return null;
    }

    @Override
    public void close() {
      openViews.decrementAndGet();
    }
  }
}
