package io.kvorum.actors.apply;

import com.google.protobuf.InvalidProtocolBufferException;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.protocol.etcdserverpb.AlarmMember;
import io.kvorum.protocol.etcdserverpb.AlarmRequest;
import io.kvorum.protocol.etcdserverpb.AlarmResponse;
import io.kvorum.protocol.etcdserverpb.AlarmType;
import io.kvorum.protocol.internal.AlarmSet;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/**
 * The alarms that are raised, each a pair of a member and a type. They stay until a client clears
 * them. A type that this version does not know is kept by its number, as in etcd.
 */
public final class AlarmState extends StoredState<AlarmSet> {
  /** Key of the alarms among the keyspace's meta records. */
  public static final String META_KEY = "alarms";

  private static final Comparator<AlarmMember> ORDER =
      Comparator.comparingInt(AlarmMember::getAlarmValue)
          .thenComparing((a, b) -> Long.compareUnsigned(a.getMemberID(), b.getMemberID()));

  public AlarmState(AlarmSet initial) {
    super(META_KEY, initial);
  }

  /**
   * What a keyspace holds; nothing was ever raised where there is no row.
   *
   * @throws IllegalStateException if it cannot be read
   */
  public static AlarmSet storedIn(Keyspace keyspace) {
    byte[] stored = keyspace.meta(META_KEY);
    try {
      return stored == null ? AlarmSet.getDefaultInstance() : AlarmSet.parseFrom(stored);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("the stored alarms cannot be read", e);
    }
  }

  /** Alarms in the order in which they are kept. */
  public static AlarmSet of(Collection<AlarmMember> alarms) {
    return AlarmSet.newBuilder()
        .addAllAlarms(alarms.stream().distinct().sorted(ORDER).toList())
        .build();
  }

  public boolean isRaised(AlarmType type) {
    for (AlarmMember alarm : get().getAlarmsList()) {
      if (alarm.getAlarmValue() == type.getNumber()) {
        return true;
      }
    }
    return false;
  }

  /**
   * Carries out a request (etcd's apply/backend.go): GET lists one type or, with NONE, all of them,
   * whatever member it names; the others answer with the pair that they raised, found raised, or
   * cleared.
   */
  AlarmResponse.Builder apply(AlarmRequest request) {
    AlarmMember pair =
        AlarmMember.newBuilder()
            .setMemberID(request.getMemberID())
            .setAlarmValue(request.getAlarmValue())
            .build();
    AlarmResponse.Builder response = AlarmResponse.newBuilder();
    switch (request.getAction()) {
      case GET ->
          get().getAlarmsList().stream()
              .filter(
                  alarm ->
                      request.getAlarm() == AlarmType.NONE
                          || alarm.getAlarmValue() == request.getAlarmValue())
              .forEach(response::addAlarms);
      case ACTIVATE -> {
        if (request.getAlarm() != AlarmType.NONE) {
          raise(pair);
          response.addAlarms(pair);
        }
      }
      case DEACTIVATE -> {
        if (clear(pair)) {
          response.addAlarms(pair);
        }
      }
      // An action of a later version; this one does nothing, on every member.
      case UNRECOGNIZED -> {}
    }
    return response;
  }

  private void raise(AlarmMember pair) {
    if (!get().getAlarmsList().contains(pair)) {
      List<AlarmMember> next = new ArrayList<>(get().getAlarmsList());
      next.add(pair);
      next.sort(ORDER);
      set(AlarmSet.newBuilder().addAllAlarms(next).build());
    }
  }

  private boolean clear(AlarmMember pair) {
    int at = get().getAlarmsList().indexOf(pair);
    if (at >= 0) {
      set(get().toBuilder().removeAlarms(at).build());
    }
    return at >= 0;
  }
}
