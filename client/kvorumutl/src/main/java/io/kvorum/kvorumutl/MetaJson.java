package io.kvorum.kvorumutl;

import com.google.protobuf.InvalidProtocolBufferException;
import io.kvorum.actors.apply.AlarmState;
import io.kvorum.actors.apply.MembershipState;
import io.kvorum.persistence.mvcc.KeyspaceInspection;
import io.kvorum.protocol.internal.AlarmSet;
import io.kvorum.protocol.internal.AuthSet;
import io.kvorum.protocol.internal.Membership;
import java.util.HexFormat;
import java.util.Map;

/** What stands beside the data in a keyspace, as a JSON object. */
final class MetaJson {
  /** Key of users and roles among the keyspace's meta records. */
  static final String AUTH_KEY = "auth";

  private MetaJson() {}

  static JsonLine of(KeyspaceInspection keyspace) {
    KeyspaceInspection.Figures figures = keyspace.figures();
    JsonLine line =
        new JsonLine()
            .number("group", figures.group().value())
            .number("applied_index", figures.applied().index())
            .number("applied_term", figures.applied().term())
            .number("revision", figures.revision())
            .number("compact_revision", figures.compactedRevision())
            .number("finished_compact_revision", figures.finishedCompaction())
            .number("keys", figures.liveKeys())
            .number("record_bytes", figures.recordBytes());
    figures
        .unfinishedInstall()
        .ifPresent(at -> line.number("installed_and_log_not_set_index", at.index()));
    JsonLine others = new JsonLine();
    Map<String, byte[]> meta = keyspace.meta();
    meta.forEach((name, value) -> add(name, value, line, others));
    return line.raw("other", others.toString());
  }

  private static AlarmSet alarms(byte[] stored) {
    try {
      return AlarmSet.parseFrom(stored);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("the stored alarms cannot be read", e);
    }
  }

  private static AuthSet auth(byte[] stored) {
    try {
      return AuthSet.parseFrom(stored);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("the stored users and roles cannot be read", e);
    }
  }

  /** Users without what is known of their passwords. */
  private static void addAuth(AuthSet auth, JsonLine line) {
    line.number("auth_revision", auth.getRevision())
        .raw(
            "users",
            JsonLine.array(
                auth.getUsersList().stream()
                    .map(user -> MessageJson.of(user.toBuilder().clearPassword().build()))
                    .toList()))
        .raw("roles", JsonLine.array(auth.getRolesList().stream().map(MessageJson::of).toList()));
  }

  private static void add(String name, byte[] value, JsonLine line, JsonLine others) {
    if (name.equals(MembershipState.META_KEY)) {
      Membership membership = MembershipState.parse(value);
      line.id("cluster_id", membership.getClusterId())
          .text("cluster_version", membership.getClusterVersion())
          .raw(
              "members",
              JsonLine.array(membership.getMembersList().stream().map(MessageJson::of).toList()))
          .raw(
              "removed_ids",
              JsonLine.array(
                  membership.getRemovedIdsList().stream()
                      .map(id -> JsonLine.quoted(Long.toHexString(id)))
                      .toList()));
    } else if (name.equals(AlarmState.META_KEY)) {
      line.raw(
          "alarms",
          JsonLine.array(alarms(value).getAlarmsList().stream().map(MessageJson::of).toList()));
    } else if (name.equals(AUTH_KEY)) {
      addAuth(auth(value), line);
    } else {
      others.text(name, HexFormat.of().formatHex(value));
    }
  }
}
