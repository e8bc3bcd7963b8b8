package io.kvorum.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigFileTest {

  @TempDir Path directory;

  private ConfigResult load(String fileName, String content) {
    try {
      Path file = Files.writeString(directory.resolve(fileName), content);
      return Loading.load("--config-file=" + file);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private ServerConfig loaded(String fileName, String content) {
    ConfigResult result = load(fileName, content);
    return assertInstanceOf(ConfigResult.Loaded.class, result, result.toString()).config();
  }

  /** The errors, with the directory's name taken out. */
  private List<String> errors(String fileName, String content) {
    ConfigResult.Refused refused =
        assertInstanceOf(ConfigResult.Refused.class, load(fileName, content));
    assertEquals(1, refused.exitCode());
    return refused.errors().stream().map(e -> e.replace(directory + "/", "")).toList();
  }

  @Test
  void readsEtcdsYaml() {
    ServerConfig config =
        loaded(
            "etcd.yml",
            """
            # a comment
            name: 'infra0'
            data-dir: /d
            wal-dir:
            heartbeat-interval: 200
            election-timeout: 2000
            listen-client-urls: http://localhost:7
            initial-cluster: "infra0=http://localhost:2380"
            strict-reconfig-check: false
            grpc-keepalive-interval: 5000000000
            grpc-keepalive-timeout: 1m30s
            log-outputs: [stderr, stdout]
            client-transport-security:
              cert-file:
              auto-tls: false
            peer-transport-security:
            cors:
            discovery:
            feature-gates: AllAlpha=false
            """);
    assertEquals("infra0", config.member().name());
    assertEquals(Path.of("/d/member/wal"), config.member().walDirectory());
    assertEquals(200, config.raft().heartbeatIntervalMillis());
    assertFalse(config.cluster().strictReconfigCheck());
    assertEquals(Duration.ofSeconds(5), config.clientApi().keepaliveInterval());
    assertEquals(Duration.ofSeconds(90), config.clientApi().keepaliveTimeout());
    assertEquals(2, config.logging().outputs().size());
    // In a file the default stays, unlike with flags.
    assertEquals("[http://localhost:2379]", config.cluster().advertiseClientUrls().toString());
  }

  @Test
  void keepsValuesAsTheyAreWritten() {
    assertEquals("007", loaded("a.yml", "name: 007").member().name());
    assertEquals("on", loaded("a.yml", "name: on").member().name());
    assertEquals("1.10", loaded("a.yml", "name: 1.10").member().name());
  }

  @Test
  void readsJson() {
    ServerConfig config =
        loaded(
            "etcd.json",
            "{\"name\": \"a\", \"snapshot-count\": 5, \"kvorum\": {\"read-threads\": 3}}");
    assertEquals("a", config.member().name());
    assertEquals(5, config.raft().snapshotCountEntries());
    assertEquals(3, config.tuning().readThreads());
  }

  @Test
  void readsHocon() {
    ServerConfig config =
        loaded(
            "kvorum.conf",
            """
            name = infra0
            data-dir = /d
            data-dir = ${data-dir}/e
            listen-client-urls = ["http://localhost:7", "http://127.0.0.1:8"]
            initial-cluster { infra0 = "http://localhost:2380" }
            compaction-sleep-interval = 20ms
            kvorum {
              leveldb-cache-bytes = 1048576
              read-threads = 4
            }
            """);
    assertEquals("infra0", config.member().name());
    assertEquals(Path.of("/d/e"), config.member().dataDirectory());
    assertEquals(2, config.clientApi().listenClientUrls().size());
    assertEquals(Duration.ofMillis(20), config.storage().compactionSleepInterval());
    assertEquals(new ServerConfig.TuningConfig(1_048_576, 0, 4), config.tuning());
  }

  @Test
  void namesPlaceKeyAndValueOfEveryError() {
    assertEquals(
        List.of(
            "a.yml:1: unknown key nmae; did you mean name?",
            "a.yml:5: unknown key client-transport-security.certfile; did you mean"
                + " client-transport-security.cert-file?",
            "a.yml:2: election-timeout: soon: is not a whole number",
            "not supported yet: --key-file (a.yml:4: client-transport-security.key-file: k.pem)"),
        errors(
            "a.yml",
            """
            nmae: a
            election-timeout: soon
            client-transport-security:
              key-file: k.pem
              certfile: c.pem
            """));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "name: [a, b] | a.yml:1: name: does not take this form; it takes string",
        "log-outputs: {a: b} | a.yml:1: log-outputs: does not take this form; it takes string-list",
        "socket-options: 5 | a.yml:1: unknown key socket-options",
        "discovery: http://d | a.yml:1: unknown key discovery",
        "raft-read-timeout: 5s | a.yml:1: unknown key raft-read-timeout",
        "election-timeout: 1.5 | a.yml:1: election-timeout: 1.5: is not a whole number",
        "pre-vote: yes | a.yml:1: pre-vote: yes: is neither true nor false",
        "- a | must hold keys with values",
        "'name: \"a' | is not valid YAML",
        "'a: &x [*x]' | is nested too deeply"
      })
  void refusesWhatItCannotUse(String content, String error) {
    List<String> errors = errors("a.yml", content);
    assertEquals(1, errors.size(), errors.toString());
    assertTrue(errors.getFirst().contains(error), errors.toString());
  }

  @Test
  void refusesAKeyGivenTwice() {
    assertEquals(List.of("a.yml:2: name is given twice"), errors("a.yml", "name: a\nname: b\n"));
  }

  @Test
  void refusesBrokenHocon() {
    assertTrue(
        errors("a.conf", "listen-client-urls = http://localhost:1")
            .getFirst()
            .contains("is not valid HOCON"));
    assertTrue(errors("a.conf", "name = ${nowhere}").getFirst().contains("is not valid HOCON"));
    assertEquals(
        List.of("a.conf:2: unknown key kvorum.read-thread; did you mean kvorum.read-threads?"),
        errors("a.conf", "kvorum {\n  read-thread = 1\n}"));
  }

  @Test
  void emptyFileIsAllDefaults() {
    assertEquals("default", loaded("a.yml", "").member().name());
    assertEquals("default", loaded("b.yml", "# nothing\n").member().name());
    assertEquals("default", loaded("c.conf", "").member().name());
  }

  @Test
  void missingFileIsRefused() {
    ConfigResult result = Loading.load("--config-file", "/nowhere/etcd.yml");
    assertEquals(
        List.of("--config-file=/nowhere/etcd.yml: does not exist"),
        assertInstanceOf(ConfigResult.Refused.class, result).errors());
  }

  @Test
  void fileReplacesFlagsAndVariables() throws IOException {
    Path file = Files.writeString(directory.resolve("a.yml"), "name: a\n");
    ConfigResult result =
        ConfigLoader.load(
            new String[] {"--data-dir=/d", "--name=b"},
            Map.of("ETCD_CONFIG_FILE", file.toString(), "ETCD_MAX_TXN_OPS", "0", "ETCD_NAME", "c"));
    ConfigResult.Loaded loaded = assertInstanceOf(ConfigResult.Loaded.class, result);
    assertEquals("a", loaded.config().member().name());
    assertEquals(Path.of("a.etcd"), loaded.config().member().dataDirectory());
    assertEquals(
        List.of(
            "a configuration file was given, so these are ignored: --data-dir, --name,"
                + " ETCD_MAX_TXN_OPS, ETCD_NAME"),
        loaded.warnings());
  }
}
