import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.mvcc.KeyspaceExport;
import io.kvorum.persistence.mvcc.KeyspaceImport;
import io.kvorum.persistence.mvcc.KeyspaceOptions;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.mvccpb.KeyValue;
import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;

/**
 * Writes a stopped member's keyspace anew with another value in every record of one key: what a
 * wrong program would have left, with all checksums right. Run by tests on the class path of the
 * packaged server, as a source file: {@code java -cp 'lib/*' AlterStore.java KEYSPACE KEY VALUE}.
 */
public final class AlterStore {
  /** Rows are keyed by the group, 4 bytes, a letter for the table, and the table's own key. */
  private static final int TABLE_AT = 4;

  /** Main revision, an underscore, sub revision; a tombstone has one byte more. */
  private static final int REVISION_BYTES = 17;

  private AlterStore() {}

  public static void main(String[] arguments) throws Exception {
    Path keyspace = Path.of(arguments[0]);
    ByteString key = ByteString.copyFromUtf8(arguments[1]);
    ByteString value = ByteString.copyFromUtf8(arguments[2]);
    Path altered = keyspace.resolveSibling("altered");
    Map<String, byte[]> meta = new HashMap<>();
    int changed = 0;
    try (Keyspace from = Keyspace.open(keyspace, GroupId.DEFAULT, KeyspaceOptions.defaults());
        KeyspaceImport to =
            KeyspaceImport.into(altered, GroupId.DEFAULT, KeyspaceOptions.defaults());
        KeyspaceExport export = from.export();
        KeyspaceExport.Rows rows = export.rows()) {
      while (rows.advance()) {
        byte[] row = rows.key();
        byte[] own = Arrays.copyOfRange(row, TABLE_AT + 1, row.length);
        if (row[TABLE_AT] == 'm') {
          meta.put(new String(own, StandardCharsets.UTF_8), rows.value());
        } else if (row[TABLE_AT] == 'r') {
          KeyValue record = KeyValue.parseFrom(rows.value());
          boolean tombstone = own.length > REVISION_BYTES;
          if (record.getKey().equals(key) && !tombstone) {
            record = record.toBuilder().setValue(value).build();
            changed++;
          }
          ByteBuffer revision = ByteBuffer.wrap(own);
          to.add(
              revision.getLong(0),
              revision.getLong(9),
              tombstone,
              record.getKey().toByteArray(),
              record.toByteArray());
        }
      }
      LogPosition at = export.position();
      long compacted = export.compactedRevision();
      to.finish(at, export.currentRevision(), compacted, compacted, meta);
    }
    try (var files = Files.walk(keyspace)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
    Files.move(altered, keyspace);
    System.out.println(changed);
  }
}
