package io.kvorum.kvorumutl;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.kvorum.actors.group.Founding;
import io.kvorum.config.EndpointUrl;
import io.kvorum.config.ServerConfig;
import io.kvorum.kvorumutl.etcd.EtcdDatabase;
import io.kvorum.kvorumutl.etcd.RecordCursor;
import io.kvorum.kvorumutl.etcd.SnapshotChecksum;
import io.kvorum.kvorumutl.etcd.StoreMeta;
import io.kvorum.persistence.mvcc.KeyspaceImport;
import io.kvorum.persistence.mvcc.KeyspaceOptions;
import io.kvorum.protocol.GroupId;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Makes the data directory of a new cluster's member out of an etcd snapshot. Records go over as
 * they are, in one pass; membership and log begin anew.
 */
final class SnapshotImport {
  private static final Pattern VERSION = Pattern.compile("(\\d+)\\.(\\d+)\\..*");

  /** The newest storage schema whose every record is known here. */
  private static final int MAJOR = 3;

  private static final int MINOR = 7;

  private final Path file;
  private final ServerConfig config;
  private final boolean skipHashCheck;
  private final Set<String> skipped;
  private final PrintWriter out;
  private final PrintWriter err;
  private long records;
  private long leased;

  /**
   * @param skipped see {@link Leftovers}
   */
  SnapshotImport(
      Path file,
      ServerConfig config,
      boolean skipHashCheck,
      Set<String> skipped,
      PrintWriter out,
      PrintWriter err) {
    this.file = file;
    this.config = config;
    this.skipHashCheck = skipHashCheck;
    this.skipped = skipped;
    this.out = out;
    this.err = err;
  }

  void run() {
    try (Cancellation cancellation = new Cancellation();
        EtcdDatabase database = EtcdDatabase.open(file);
        NewDataDirectory directory = NewDataDirectory.at(config.member().dataDirectory())) {
      SnapshotChecksum checksum = checked(database, cancellation);
      StoreMeta meta = database.meta();
      requireKnownVersion(meta);
      Leftovers.of(database).require(skipped).forEach(left -> err.println("left behind: " + left));
      Founding founding = founding(checksum);
      KeyspaceImport.Summary made = keyspace(database, meta, directory, founding, cancellation);
      founding.writeLog(directory.building(config.member().walDirectory()));
      cancellation.check();
      directory.publish();
      tell(made, founding);
    }
  }

  private SnapshotChecksum checked(EtcdDatabase database, Cancellation cancellation) {
    Progress progress = new Progress(err, "checking", database.file().sizeBytes());
    SnapshotChecksum checksum =
        SnapshotChecksum.of(
            file,
            bytes -> {
              cancellation.check();
              progress.at(bytes);
            });
    if (!skipHashCheck) {
      switch (checksum.verdict()) {
        case MATCHES -> {}
        case DIFFERS ->
            throw new RefusedException(
                file
                    + " is damaged: its SHA-256 does not match its content. Take another snapshot,"
                    + " or add --skip-hash-check to use it as it is");
        case ABSENT ->
            throw new RefusedException(
                file
                    + " has no checksum: it was copied from a data directory, or is cut off. If the"
                    + " former, add --skip-hash-check");
      }
    }
    return checksum;
  }

  private void requireKnownVersion(StoreMeta meta) {
    String version = meta.storageVersion().orElse("");
    Matcher parts = VERSION.matcher(version);
    if (parts.matches()) {
      int major = Integer.parseInt(parts.group(1));
      int minor = Integer.parseInt(parts.group(2));
      if (major > MAJOR || (major == MAJOR && minor > MINOR)) {
        throw new RefusedException(
            "%s is of storage version %s, and this version of kvorumutl knows those up to %d.%d"
                .formatted(file, version, MAJOR, MINOR));
      }
    }
  }

  /** Whoever leaves other things behind makes another cluster. */
  private Founding founding(SnapshotChecksum checksum) {
    Map<String, List<String>> members = new LinkedHashMap<>();
    config
        .cluster()
        .initialCluster()
        .forEach((name, urls) -> members.put(name, urls.stream().map(EndpointUrl::text).toList()));
    return Founding.of(
        GroupId.DEFAULT,
        config.member().name(),
        members,
        config.cluster().initialClusterToken(),
        (checksum + " without " + new TreeSet<>(skipped)).getBytes(UTF_8));
  }

  private KeyspaceImport.Summary keyspace(
      EtcdDatabase database,
      StoreMeta meta,
      NewDataDirectory directory,
      Founding founding,
      Cancellation cancellation) {
    Progress progress = new Progress(err, "importing", database.file().sizeBytes());
    try (KeyspaceImport keyspace =
        KeyspaceImport.into(
            directory.building(config.member().keyspaceDirectory()),
            GroupId.DEFAULT,
            KeyspaceOptions.defaults())) {
      long newest = 1;
      RecordCursor record = database.records();
      while (record.advance()) {
        cancellation.check();
        newest = record.main();
        if (!record.isBump()) {
          add(record, keyspace);
        }
        progress.at(database.file().bytesRead());
      }
      // As an etcd that starts on this file: nothing may be left of the newest revision, if it
      // deleted keys and was compacted (mvcc/kvstore.go, restore).
      long compacted = Math.max(meta.scheduledCompaction(), meta.finishedCompaction());
      return keyspace.finish(
          founding.position(),
          Math.max(newest, compacted),
          compacted,
          meta.finishedCompaction(),
          founding.keyspaceMeta());
    }
  }

  private void add(RecordCursor record, KeyspaceImport keyspace) {
    record.check();
    keyspace.add(
        record.main(),
        record.sub(),
        record.isTombstone(),
        record.keyValue().getKey().toByteArray(),
        record.bytes());
    records++;
    if (record.keyValue().getLease() != 0) {
      leased++;
    }
  }

  private void tell(KeyspaceImport.Summary made, Founding founding) {
    if (leased > 0) {
      err.printf(
          "records that name a lease: %d. Their keys keep its id, and stay until they are"
              + " deleted%n",
          leased);
    }
    err.flush();
    out.printf(
        "%s: member %s of cluster %x, %d keys in %d records, revision %d, compacted revision %d%n",
        config.member().dataDirectory(),
        founding.identity().member(),
        founding.identity().clusterId(),
        made.liveKeys(),
        records,
        made.revision(),
        made.compactedRevision());
    out.flush();
  }
}
