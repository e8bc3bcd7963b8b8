package io.kvorum.actors.group;

import io.kvorum.actors.apply.AlarmState;
import io.kvorum.actors.telemetry.EtcdMetrics;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.AlarmMember;
import io.kvorum.protocol.etcdserverpb.AlarmRequest;
import io.kvorum.protocol.etcdserverpb.AlarmResponse;
import io.kvorum.protocol.etcdserverpb.AlarmType;
import io.kvorum.protocol.internal.Command;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.pekko.Done;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Raises alarms through the log, one proposal for each at a time, and tells of their changes. */
final class LocalAlarms implements Alarms {
  private static final Logger log = LoggerFactory.getLogger(LocalAlarms.class);

  private final AlarmState state;
  private final Function<Command.Builder, CompletionStage<Outcome<AlarmResponse.Builder>>> propose;
  private final EtcdMetrics metrics;

  /** What was proposed and is not applied; as many as there are members and types. */
  private final ConcurrentHashMap<AlarmMember, CompletableFuture<Outcome<Done>>> underWay =
      new ConcurrentHashMap<>();

  private final List<Consumer<List<AlarmMember>>> listeners = new CopyOnWriteArrayList<>();

  /** What the metrics show. Once it is built, the applier's thread only. */
  private List<AlarmMember> shown = List.of();

  LocalAlarms(
      AlarmState state,
      Function<Command.Builder, CompletionStage<Outcome<AlarmResponse.Builder>>> propose,
      EtcdMetrics metrics) {
    this.state = state;
    this.propose = propose;
    this.metrics = metrics;
    show(list());
  }

  @Override
  public CompletionStage<Outcome<Done>> activate(MemberId member, AlarmType type) {
    AlarmMember alarm = AlarmMember.newBuilder().setMemberID(member.value()).setAlarm(type).build();
    if (list().contains(alarm)) {
      return CompletableFuture.completedFuture(Outcome.ok(Done.getInstance()));
    }
    CompletableFuture<Outcome<Done>> raised = new CompletableFuture<>();
    CompletableFuture<Outcome<Done>> before = underWay.putIfAbsent(alarm, raised);
    if (before != null) {
      return before;
    }
    log.warn("raising alarm {} for member {}", type, member);
    AlarmRequest.Builder request =
        AlarmRequest.newBuilder()
            .setAction(AlarmRequest.AlarmAction.ACTIVATE)
            .setMemberID(member.value())
            .setAlarm(type);
    propose
        .apply(Command.newBuilder().setAlarm(request))
        .whenComplete(
            (outcome, failure) -> {
              underWay.remove(alarm, raised);
              if (failure != null) {
                log.error("alarm {} for member {} was not raised", type, member, failure);
                raised.completeExceptionally(failure);
                return;
              }
              if (outcome instanceof Outcome.Refused<AlarmResponse.Builder>(var error)) {
                log.warn("alarm {} for member {} was not raised: {}", type, member, error.text());
              }
              raised.complete(outcome.map(applied -> Done.getInstance()));
            });
    return raised;
  }

  /** Completes when no alarm of this kind is about to be raised by this member. */
  CompletionStage<?> settled(MemberId member, AlarmType type) {
    AlarmMember alarm = AlarmMember.newBuilder().setMemberID(member.value()).setAlarm(type).build();
    CompletableFuture<Outcome<Done>> raising = underWay.get(alarm);
    return raising == null ? CompletableFuture.completedFuture(Done.getInstance()) : raising;
  }

  @Override
  public List<AlarmMember> list() {
    return state.get().getAlarmsList();
  }

  @Override
  public boolean isRaised(AlarmType type) {
    return state.isRaised(type);
  }

  @Override
  public void listen(Consumer<List<AlarmMember>> listener) {
    listeners.add(listener);
  }

  /** The applier has changed them, or replaced them by a snapshot's. */
  void changed() {
    List<AlarmMember> now = list();
    show(now);
    listeners.forEach(listener -> listener.accept(now));
  }

  private void show(List<AlarmMember> now) {
    for (AlarmMember alarm : shown) {
      if (!now.contains(alarm)) {
        show(alarm, false);
      }
    }
    for (AlarmMember alarm : now) {
      show(alarm, true);
    }
    shown = now;
  }

  private void show(AlarmMember alarm, boolean raised) {
    metrics.alarm(new MemberId(alarm.getMemberID()).toString(), Alarms.nameOf(alarm), raised);
  }
}
