package io.kvorum.kvorumutl.etcd;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.kvorum.persistence.bbolt.BoltCursor;
import java.util.Arrays;
import java.util.function.LongConsumer;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;

/**
 * What {@code etcdutl snapshot status} tells of a file (etcdutl/snapshot/v3_snapshot.go).
 *
 * @param hash CRC-32C over the names, keys and values of all buckets in their order
 * @param revision of the last record; 0 if there is none
 * @param sizeBytes of all pages
 * @param version of the storage schema; empty before etcd 3.6
 */
public record DatabaseStatus(long hash, long revision, long keys, long sizeBytes, String version) {

  private static final Pattern SEMANTIC_VERSION = Pattern.compile("\\d+\\.\\d+\\.\\d+([-+].*)?");
  private static final byte[] NOTHING = {};

  /**
   * Reads everything.
   *
   * @param progress told now and then how many bytes were read
   */
  public static DatabaseStatus of(EtcdDatabase database, LongConsumer progress) {
    StoreMeta meta = database.meta();
    LiveKeys live = new LiveKeys(meta);
    CRC32C hash = new CRC32C();
    long revision = 0;
    BoltCursor names = database.file().root().cursor();
    while (names.advance()) {
      hash.update(names.key());
      boolean isKeyspace = Arrays.equals(names.key(), EtcdDatabase.KEY.getBytes(UTF_8));
      BoltCursor cursor = names.bucket().cursor();
      RecordCursor record = database.records(cursor);
      while (cursor.advance()) {
        hash.update(cursor.key());
        hash.update(cursor.isBucket() ? NOTHING : cursor.value());
        if (isKeyspace) {
          record.read();
          revision = record.main();
          live.add(record);
        }
        progress.accept(database.file().bytesRead());
      }
    }
    String version =
        meta.storageVersion().filter(v -> SEMANTIC_VERSION.matcher(v).matches()).orElse("");
    return new DatabaseStatus(
        hash.getValue(), revision, live.count(), database.file().sizeBytes(), version);
  }
}
