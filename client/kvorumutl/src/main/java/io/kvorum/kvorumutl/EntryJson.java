package io.kvorum.kvorumutl;

import com.google.protobuf.InvalidProtocolBufferException;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.protocol.internal.Command;
import io.kvorum.protocol.internal.MembershipChange;
import java.util.HexFormat;
import java.util.Locale;

/** A log entry as a JSON object. */
final class EntryJson {
  private EntryJson() {}

  /**
   * @param applied index of the newest applied entry
   */
  static JsonLine of(Entry entry, long applied) {
    JsonLine line =
        new JsonLine()
            .number("index", entry.index())
            .number("term", entry.term())
            .text("type", entry.kind().name().toLowerCase(Locale.ROOT))
            .flag("applied", entry.index() <= applied);
    try {
      return switch (entry.kind()) {
        case EMPTY -> line;
        case COMMAND -> line.raw("command", MessageJson.of(Command.parseFrom(entry.payload())));
        case MEMBERSHIP ->
            line.raw("membership", MessageJson.of(MembershipChange.parseFrom(entry.payload())));
      };
    } catch (InvalidProtocolBufferException e) {
      return line.text("undecodable", HexFormat.of().formatHex(entry.payload().toByteArray()));
    }
  }
}
