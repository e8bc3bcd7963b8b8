package io.kvorum.kvorumutl;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.kvorum.actors.group.Founding;
import io.kvorum.config.EndpointUrl;
import io.kvorum.config.ServerConfig;
import io.kvorum.persistence.mvcc.KeyspaceImport;
import io.kvorum.persistence.snapshot.SnapshotChecksum;
import io.kvorum.protocol.GroupId;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes the data directory of a new cluster's member out of a snapshot: the content is the
 * snapshot's, membership and log begin anew.
 */
final class NewMember {
  private final Source source;
  private final ServerConfig config;
  private final boolean skipHashCheck;
  private final long bump;
  private final PrintWriter out;
  private final PrintWriter err;

  /**
   * @param bump what the revision is raised by; 0 for nothing
   */
  NewMember(
      Source source,
      ServerConfig config,
      boolean skipHashCheck,
      long bump,
      PrintWriter out,
      PrintWriter err) {
    this.source = source;
    this.config = config;
    this.skipHashCheck = skipHashCheck;
    this.bump = bump;
    this.out = out;
    this.err = err;
  }

  void make() {
    try (Cancellation cancellation = new Cancellation();
        NewDataDirectory directory =
            NewDataDirectory.at(config.member().dataDirectory(), config.member().walDirectory())) {
      SnapshotChecksum checksum = checked(cancellation);
      source.require(err);
      Founding founding = founding(checksum);
      Progress progress = new Progress(err, "restoring", source.sizeBytes());
      KeyspaceImport.Summary made =
          source.write(
              new Source.Terms(
                  directory.building(config.member().keyspaceDirectory()),
                  founding.position(),
                  bump,
                  founding.keyspaceMeta()),
              bytes -> {
                cancellation.check();
                progress.at(bytes);
              });
      founding.writeLog(directory.buildingLog());
      cancellation.check();
      directory.publish();
      tell(made, founding);
    }
  }

  private SnapshotChecksum checked(Cancellation cancellation) {
    Progress progress = new Progress(err, "checking", source.sizeBytes());
    SnapshotChecksum checksum =
        SnapshotChecksum.of(
            source.file(),
            bytes -> {
              cancellation.check();
              progress.at(bytes);
            });
    if (!skipHashCheck) {
      switch (checksum.verdict()) {
        case MATCHES -> {}
        case DIFFERS ->
            throw new RefusedException(
                source.file()
                    + " is damaged: its SHA-256 does not match its content. Take another snapshot,"
                    + " or add --skip-hash-check to use it as it is");
        case ABSENT ->
            throw new RefusedException(
                source.file()
                    + " has no checksum: it was copied from a data directory, or is cut off. If the"
                    + " former, add --skip-hash-check");
      }
    }
    return checksum;
  }

  /** Whoever begins with another content makes another cluster. */
  private Founding founding(SnapshotChecksum checksum) {
    Map<String, List<String>> members = new LinkedHashMap<>();
    config
        .cluster()
        .initialCluster()
        .forEach((name, urls) -> members.put(name, urls.stream().map(EndpointUrl::text).toList()));
    String origin = checksum + source.choices() + (bump == 0 ? "" : " raised by " + bump);
    return Founding.of(
        GroupId.DEFAULT,
        config.member().name(),
        members,
        config.cluster().initialClusterToken(),
        origin.getBytes(UTF_8));
  }

  private void tell(KeyspaceImport.Summary made, Founding founding) {
    if (!source.remark().isEmpty()) {
      err.println(source.remark());
    }
    err.flush();
    out.printf(
        "%s: member %s of cluster %x, %d keys in %d records, revision %d, compacted revision %d%n",
        config.member().dataDirectory(),
        founding.identity().member(),
        founding.identity().clusterId(),
        made.liveKeys(),
        made.records(),
        made.revision(),
        made.compactedRevision());
    out.flush();
  }
}
