package io.kvorum.actors.group;

import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.AlarmMember;
import io.kvorum.protocol.etcdserverpb.AlarmType;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.apache.pekko.Done;

/**
 * A group's alarms, as this member raises and sees them. Clients raise, list and clear them through
 * the log, as any other command. Any thread; nothing here blocks.
 */
public interface Alarms {

  /**
   * Has an alarm raised through the log. One that is raised already, or about to be, is not asked
   * for again.
   *
   * @param member whom it concerns; {@link MemberId#NONE} where that is not known
   * @param type NOSPACE or CORRUPT
   * @return completes when this member has applied it, or why it could not be raised: then whoever
   *     asked asks again when it finds the same once more
   */
  CompletionStage<Outcome<Done>> activate(MemberId member, AlarmType type);

  /** What is raised, as far as this member has applied: ascending by type, then by member. */
  List<AlarmMember> list();

  boolean isRaised(AlarmType type);

  /**
   * Tells of every change from now on, with all that is raised then. Called on the applier's
   * thread: must not block, nor throw.
   */
  void listen(Consumer<List<AlarmMember>> listener);

  /** What its type is called, or its number if this version has no name for it. */
  static String nameOf(AlarmMember alarm) {
    return alarm.getAlarm() == AlarmType.UNRECOGNIZED
        ? Integer.toString(alarm.getAlarmValue())
        : alarm.getAlarm().name();
  }
}
