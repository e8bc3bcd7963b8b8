import io.kvorum.persistence.leveldb.Cursor;
import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.LevelDbOptions;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Exchanges what a stopped member holds as the newest record of a key for another one, as a fault
 * of its software would: every checksum on the disk is right. Run from its source, with the
 * member's own libraries: keyspace directory, key.
 */
class WrongRecord {
  /** Group and letter of the table before each key. */
  private static final int PREFIX_BYTES = 5;

  public static void main(String[] args) throws Exception {
    byte[] key = args[1].getBytes(StandardCharsets.UTF_8);
    try (var generations = Files.list(Path.of(args[0]))) {
      Path generation =
          generations
              .filter(path -> path.getFileName().toString().startsWith("generation-"))
              .findFirst()
              .orElseThrow();
      exchange(generation, key);
    }
  }

  private static void exchange(Path generation, byte[] key) throws Exception {
    try (LevelDb db = LevelDb.open(generation, LevelDbOptions.defaults())) {
      byte[] row = null;
      byte[] record = null;
      try (Cursor cursor = db.cursor(null)) {
        for (cursor.seek(new byte[] {0}); cursor.valid(); cursor.next()) {
          byte[] at = cursor.key();
          if (at.length == PREFIX_BYTES + key.length
              && at[PREFIX_BYTES - 1] == 'c'
              && Arrays.equals(at, PREFIX_BYTES, at.length, key, 0, key.length)) {
            row = at;
            record = cursor.value();
          }
        }
      }
      KeyValue right = KeyValue.parseFrom(record);
      KeyValue wrong = right.toBuilder().setVersion(right.getVersion() + 1).build();
      try (LevelDb.Batch batch = db.batch()) {
        batch.put(row, wrong.toByteArray());
        db.write(batch, true);
      }
    }
  }
}
