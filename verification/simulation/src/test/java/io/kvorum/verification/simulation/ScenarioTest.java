package io.kvorum.verification.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The stories in {@code verification/simulation/scenarios} happen as they are told. After a change
 * that is meant: {@code mvn -pl verification/simulation -am test -Dtest=ScenarioTest
 * -Dscenarios.rewrite=true}, and read the difference.
 */
final class ScenarioTest {
  private static final Path DIRECTORY =
      Path.of(System.getProperty("basedir", "")).toAbsolutePath().resolve("scenarios");

  static List<Path> scenarios() throws IOException {
    try (Stream<Path> files = Files.list(DIRECTORY)) {
      return files.filter(f -> f.toString().endsWith(".txt")).sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("scenarios")
  void happensAsTold(Path file) throws IOException {
    String told = Files.readString(file);
    String happened = Scenario.play(told);
    if (Boolean.getBoolean("scenarios.rewrite")) {
      Files.writeString(file, happened);
    } else {
      assertEquals(told, happened);
    }
  }

  @Test
  void thereAreStories() throws IOException {
    assertFalse(scenarios().isEmpty());
  }
}
