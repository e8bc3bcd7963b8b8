package io.kvorum.config;

import static io.kvorum.config.Loading.errorsFrom;
import static io.kvorum.config.Loading.loadedFrom;
import static io.kvorum.config.Loading.warnings;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class EnvironmentVariablesTest {

  @Test
  void takesVariables() {
    ServerConfig config =
        loadedFrom(Map.of("ETCD_NAME", "a", "ETCD_MAX_TXN_OPS", "7", "PATH", "/bin"));
    assertEquals("a", config.member().name());
    assertEquals(7, config.clientApi().maxTxnOps());
  }

  @Test
  void emptyCountsAsUnset() {
    assertEquals("default", loadedFrom(Map.of("ETCD_NAME", "")).member().name());
    assertEquals(List.of(), warnings(Map.of("ETCD_BOGUS", "")));
  }

  @Test
  void refusesTheSameSettingInBothPlaces() {
    ConfigResult result = ConfigLoader.load(new String[] {"--name=a"}, Map.of("ETCD_NAME", "a"));
    ConfigResult.Refused refused = assertInstanceOf(ConfigResult.Refused.class, result);
    assertEquals(
        List.of("--name=a and ETCD_NAME=a: given both as flag and as variable; take one away"),
        refused.errors());
    assertEquals(1, refused.exitCode());
  }

  @Test
  void onlyWarnsOfUnknownVariables() {
    assertEquals(
        List.of(
            "ignoring unknown variable ETCD_DATADIR; did you mean ETCD_DATA_DIR?",
            "ignoring unknown variable ETCD_VERSION"),
        warnings(Map.of("ETCD_DATADIR", "x", "ETCD_VERSION", "3", "ETCDCTL_API", "3")).stream()
            .map(w -> w.replaceAll("(ETCD_VERSION).*", "$1"))
            .toList());
  }

  @Test
  void namesTheVariableAndItsValue() {
    assertEquals(
        List.of(
            "ETCD_ELECTION_TIMEOUT=1s: is not a whole number",
            "not supported yet: --trusted-ca-file (ETCD_TRUSTED_CA_FILE=ca.pem)"),
        errorsFrom(Map.of("ETCD_ELECTION_TIMEOUT", "1s", "ETCD_TRUSTED_CA_FILE", "ca.pem")));
  }

  @Test
  void doesNotRepeatSecrets() {
    assertEquals(
        List.of("not supported yet: --discovery-password (ETCD_DISCOVERY_PASSWORD=***)"),
        errorsFrom(Map.of("ETCD_DISCOVERY_PASSWORD", "hunter2")));
  }
}
