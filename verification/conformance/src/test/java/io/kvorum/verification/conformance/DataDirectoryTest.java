package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.RangeRequest;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.Directories;
import io.kvorum.verification.conformance.harness.ServerProcess;
import io.kvorum.verification.conformance.harness.ServerProcess.Settings;
import io.kvorum.verification.conformance.harness.SmallDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whose data a directory holds, and what happens when it cannot be used: the process ends with an
 * error code and says why.
 */
class DataDirectoryTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);

  @Test
  void aFileInItsPlace(@TempDir Path place) throws IOException {
    var file = Files.writeString(place.resolve("data"), "not a directory");
    refused(file, "not a directory|is a file|exists");
  }

  @Test
  void onAReadOnlyDisk() {
    try (var disk = disk(8)) {
      disk.makeReadOnly();
      refused(disk.root().resolve("data"), "read-only");
    }
  }

  @Test
  void onAFullDisk() {
    try (var disk = disk(8)) {
      disk.fill();
      refused(disk.root().resolve("data"), "no space left|disk is full|disk full");
    }
  }

  @Test
  void inUseByAnotherProcess() {
    assumeTrue(!Binaries.kvorum().endsWith("etcd"), "etcd waits for the other process instead");
    try (var first = ServerProcess.start(Binaries.kvorum())) {
      refused(first.dataDirectory(), "another process|in use|locked");
      try (var connection = Connection.to(first.address())) {
        assertTrue(connection.answers(Duration.ofSeconds(5)), "the first one goes on");
      }
    }
  }

  private static void refused(Path directory, String reason) {
    try (var server =
        ServerProcess.notStarted(Binaries.kvorum(), Settings.plain().dataIn(directory))) {
      server.launch();
      assertNotEquals(0, server.awaitExit(LIMIT));
      var said = server.output();
      assertTrue(said.contains(directory.getFileName().toString()), said);
      assertTrue(
          Pattern.compile(reason, Pattern.CASE_INSENSITIVE).matcher(said).find(),
          () -> "expected /" + reason + "/ in:\n" + said);
    }
  }

  private static SmallDisk disk(int mebibytes) {
    var disk = SmallDisk.mount(mebibytes);
    assumeTrue(disk.isPresent(), "may not mount a disk of its own");
    return disk.orElseThrow();
  }

  /**
   * Two clusters' directories with one part exchanged: what does not belong together is not
   * started.
   */
  @Test
  void partsOfAnotherClustersDirectory() throws IOException {
    assumeTrue(!Binaries.kvorum().endsWith("etcd"), "etcd keeps its parts in files of other names");
    try (var mine =
            ServerProcess.start(
                Binaries.kvorum(), Settings.plain().flags("--initial-cluster-token", "mine"));
        var other =
            ServerProcess.start(
                Binaries.kvorum(), Settings.plain().flags("--initial-cluster-token", "other"))) {
      mine.terminate();
      other.terminate();
      var part = keyspaceOf(mine.dataDirectory());
      var foreign = other.dataDirectory().resolve(mine.dataDirectory().relativize(part));
      Directories.delete(part);
      Files.move(foreign, part);
      mine.launch();
      assertNotEquals(0, mine.awaitExit(LIMIT));
      assertTrue(mine.outputEnd().contains("cluster"), mine.outputEnd());
    }
  }

  private static Path keyspaceOf(Path data) throws IOException {
    try (var tree = Files.walk(data)) {
      return tree.filter(p -> p.getFileName().toString().equals("keyspace"))
          .findFirst()
          .orElseThrow();
    }
  }

  /** Initial flags say how to make a cluster; where there is one already they say nothing. */
  @Test
  void initialFlagsAreIgnoredWhereThereIsData() {
    try (var first = ServerProcess.start(Binaries.kvorum())) {
      var identity = identity(first);
      first.terminate();
      var changed =
          Settings.plain().dataIn(first.dataDirectory()).advertisingPeer("http://127.0.0.1:999");
      try (var again = ServerProcess.start(Binaries.kvorum(), changed)) {
        assertEquals(identity, identity(again));
      }
    }
  }

  /**
   * A token that is named and is another cluster's means the wrong directory: a stricter check than
   * etcd's.
   */
  @Test
  void theDirectoryOfAClusterWithAnotherToken() {
    assumeTrue(!Binaries.kvorum().endsWith("etcd"), "etcd ignores the token where there is data");
    try (var first = ServerProcess.start(Binaries.kvorum())) {
      first.terminate();
      var other =
          Settings.plain()
              .dataIn(first.dataDirectory())
              .flags("--initial-cluster-token", "another");
      try (var server = ServerProcess.notStarted(Binaries.kvorum(), other)) {
        server.launch();
        assertNotEquals(0, server.awaitExit(LIMIT));
        assertTrue(server.output().contains("belongs to a cluster"), server.output());
      }
    }
  }

  private static String identity(ServerProcess server) {
    try (var connection = Connection.to(server.address())) {
      var header =
          connection
              .kv(Duration.ofSeconds(5))
              .range(RangeRequest.newBuilder().setKey(ByteString.copyFromUtf8("k")).build())
              .getHeader();
      return Long.toHexString(header.getClusterId()) + "/" + Long.toHexString(header.getMemberId());
    }
  }

  /** The ids an etcd has with the same initial cluster and token (observed on etcd 3.7.1). */
  @Test
  void idsAreThoseOfEtcd() {
    var settings = Settings.plain().advertisingPeer("http://127.0.0.1:2380");
    try (var reference = ServerProcess.start(Binaries.etcd(), settings);
        var server = ServerProcess.start(Binaries.kvorum(), settings)) {
      assertEquals(identity(reference), identity(server));
    }
    var token = settings.flags("--initial-cluster-token", "a-token-of-its-own");
    try (var reference = ServerProcess.start(Binaries.etcd(), token);
        var server = ServerProcess.start(Binaries.kvorum(), token)) {
      assertEquals(identity(reference), identity(server));
    }
  }
}
