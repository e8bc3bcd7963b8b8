package io.kvorum.config;

import static io.kvorum.config.Loading.errors;
import static io.kvorum.config.Loading.load;
import static io.kvorum.config.Loading.loaded;
import static io.kvorum.config.Loading.refused;
import static io.kvorum.config.Loading.warnings;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CommandLineTest {

  @Test
  void takesEveryFormOfAFlag() {
    assertEquals("a", loaded("-name", "a").member().name());
    assertEquals("a", loaded("--name", "a").member().name());
    assertEquals("a", loaded("-name=a").member().name());
    assertEquals("a", loaded("--name=a").member().name());
  }

  @Test
  void lastRepetitionWins() {
    assertEquals("c", loaded("--name=a", "-name", "b", "--name=c").member().name());
  }

  @Test
  void valueMayLookLikeAFlagAsInGo() {
    assertEquals("--name", loaded("--data-dir", "--name").member().dataDirectory().toString());
  }

  @Test
  void valueMayHoldEqualsSigns() {
    assertEquals("a=b=c", loaded("--initial-cluster-token=a=b=c").cluster().initialClusterToken());
  }

  @Test
  void booleanIsTrueByItselfAndElseNeedsAnEqualsSign() {
    assertTrue(loaded("--unsafe-no-fsync").storage().unsafeNoFsync());
    assertFalse(loaded("--pre-vote=F").raft().preVote());
    assertEquals(
        List.of(
            "'false' is not a flag; the value of --pre-vote needs an equals sign:"
                + " --pre-vote=false"),
        errors("--pre-vote", "false"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"--", "-", "serve", "", "---name=a", "-=a"})
  void refusesWhatIsNoFlag(String argument) {
    assertEquals(2, refused(argument).exitCode());
    assertTrue(errors(argument).getFirst().startsWith("'" + argument + "' is not a flag"));
  }

  @Test
  void suggestsTheNearestFlag() {
    assertEquals(
        List.of("unknown flag --listen-client-url; did you mean --listen-client-urls?"),
        errors("--listen-client-url=http://localhost:1"));
    assertEquals(List.of("unknown flag --frobnicate"), errors("--frobnicate"));
  }

  @Test
  void missesTheValueOfTheLastFlag() {
    assertEquals(List.of("--name needs a value"), errors("--name"));
  }

  @Test
  void tellsAllErrorsAtOnce() {
    assertEquals(
        List.of(
            "unknown flag --nmae; did you mean --name?",
            "'stray' is not a flag; there are no arguments besides flags",
            "--election-timeout=x: is not a whole number",
            "not supported yet: --cert-file=c.pem",
            "--grpc-keepalive-timeout=20: is not a duration; write a number and a unit"
                + " (ns, us, ms, s, m, h), such as 300ms or 1m30s",
            "--log-level=loud: must be one of debug, info, warn, error, panic, fatal"),
        errors(
                "--nmae=a",
                "--election-timeout=x",
                "--cert-file=c.pem",
                "stray",
                "--grpc-keepalive-timeout=20",
                "--log-level=loud")
            .stream()
            .toList());
  }

  @Test
  void tellsMisuseFromWrongSettingsByTheExitCode() {
    assertEquals(2, refused("--election-timeout=x").exitCode());
    assertEquals(2, refused("--nmae=x").exitCode());
    assertEquals(1, refused("--election-timeout=60000").exitCode());
    assertEquals(1, refused("--auto-tls").exitCode());
  }

  @Test
  void printsEtcdsVersionFirst() {
    String text = assertInstanceOf(ConfigResult.Version.class, load("--version")).text();
    List<String> lines = text.lines().toList();
    assertEquals("etcd Version: 3.7.1", lines.get(0));
    assertEquals("Kvorum Version: " + Versions.kvorum(), lines.get(1));
    assertTrue(lines.get(2).startsWith("Java Version: "), text);
    assertTrue(Versions.kvorum().matches("\\d+\\.\\d+\\.\\d+.*"), Versions.kvorum());
  }

  @Test
  void versionOffIsNoVersion() {
    assertInstanceOf(ConfigResult.Loaded.class, load("--version=false"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"-h", "--help", "-help"})
  void helpNamesEverySupportedFlag(String argument) {
    String text = assertInstanceOf(ConfigResult.Help.class, load("--bogus", argument)).text();
    for (Flag flag : Flags.all()) {
      boolean hidden =
          flag.support() == Support.IGNORED_LEGACY || flag.support() == Support.REMOVED;
      assertTrue(hidden || text.contains(flag.dashed()), flag.dashed());
    }
  }

  @Test
  void acceptsEtcdsLeftoversInSilence() {
    for (Flag flag : LegacyFlags.ALL) {
      assertEquals(List.of(), warnings(Map.of(), flag.dashed()));
      assertEquals(List.of(), warnings(Map.of(), flag.dashed() + "=whatever"));
    }
  }

  @Test
  void refusesRemovedFlags() {
    assertEquals(
        List.of("--discovery=http://d: etcd no longer has this flag"),
        errors("--discovery", "http://d"));
    assertEquals(2, refused("--discovery-proxy=p").exitCode());
  }
}
