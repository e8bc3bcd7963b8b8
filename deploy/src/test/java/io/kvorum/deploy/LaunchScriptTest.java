package io.kvorum.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs the package's launcher with a JVM that only tells how it was called. */
class LaunchScriptTest {

  private static final Path DIST = Path.of("src/main/dist").toAbsolutePath();

  /** What a script wrote and how it ended. */
  record Run(int exitCode, List<String> out, String err) {}

  @TempDir Path directory;
  private Path home = Path.of("");

  @BeforeEach
  void makePackage() throws IOException {
    home = directory.resolve("a package");
    for (String part : List.of("bin/kvorum", "bin/jdk.sh", "conf/jvm.options")) {
      Path target = home.resolve(part);
      Files.createDirectories(target.getParent());
      Files.copy(DIST.resolve(part), target);
    }
    assertTrue(home.resolve("bin/kvorum").toFile().setExecutable(true));
    for (String jar : List.of("b.jar", "a.jar")) {
      Files.createDirectories(home.resolve("lib"));
      Files.createFile(home.resolve("lib").resolve(jar));
    }
  }

  private Path jdk(String name, String version) throws IOException {
    Path jdk = directory.resolve(name);
    Path java = Files.createDirectories(jdk.resolve("bin")).resolve("java");
    Files.writeString(
        java, "#!/bin/sh\necho \"CLASSPATH=$CLASSPATH\"\nfor a in \"$@\"; do echo \"$a\"; done\n");
    assertTrue(java.toFile().setExecutable(true));
    Files.writeString(
        jdk.resolve("release"), "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"" + version + "\"\nOS=\"l\"\n");
    return jdk;
  }

  /** Runs a program without any variables but those given. */
  private Run run(Map<String, String> environment, Path program, String... arguments) {
    try {
      List<String> command = new ArrayList<>(List.of(program.toString()));
      command.addAll(List.of(arguments));
      Path out = directory.resolve("out");
      Path err = directory.resolve("err");
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .directory(directory.toFile())
              .redirectOutput(out.toFile())
              .redirectError(err.toFile());
      builder.environment().clear();
      builder.environment().putAll(environment);
      Process process = builder.start();
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("did not end: " + command);
      }
      return new Run(
          process.exitValue(),
          Files.readAllLines(out),
          Files.readString(err, StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private Run launch(Path jdk, String... arguments) {
    return run(Map.of("KVORUM_JAVA_HOME", jdk.toString()), home.resolve("bin/kvorum"), arguments);
  }

  @Test
  void passesOptionsClassPathAndArguments() throws IOException {
    Run run = launch(jdk("jdk", "25.0.1"), "--name=a b", "", "--data-dir", "*");
    assertEquals(0, run.exitCode(), run.err());
    assertEquals("", run.err());
    assertEquals(
        "CLASSPATH=" + home.resolve("lib/a.jar") + ":" + home.resolve("lib/b.jar"),
        run.out().getFirst());
    int main = run.out().indexOf("io.kvorum.deploy.Main");
    assertEquals(
        List.of("--name=a b", "", "--data-dir", "*"),
        run.out().subList(main + 1, run.out().size()));
    List<String> options = run.out().subList(1, main);
    assertTrue(options.contains("-XX:+UseSerialGC"), options.toString());
    assertTrue(options.stream().allMatch(option -> option.startsWith("-")), options.toString());
  }

  @Test
  void addsOptionsOfTheVariable() throws IOException {
    Run run =
        run(
            Map.of(
                "KVORUM_JAVA_HOME",
                jdk("jdk", "25").toString(),
                "KVORUM_JAVA_OPTIONS",
                "-Xmx2g -Da=b"),
            home.resolve("bin/kvorum"));
    int main = run.out().indexOf("io.kvorum.deploy.Main");
    assertEquals(List.of("-Xmx2g", "-Da=b"), run.out().subList(main - 2, main));
  }

  @Test
  void canBeLinkedFromElsewhere() throws IOException {
    Path link =
        Files.createSymbolicLink(directory.resolve("link"), Path.of("a package/bin/kvorum"));
    Run run = run(Map.of("KVORUM_JAVA_HOME", jdk("jdk", "25").toString()), link, "-h");
    assertEquals(0, run.exitCode(), run.err());
    assertEquals("-h", run.out().getLast());
  }

  @Test
  void takesLibrariesThatWerePreparedForTheCacheUnlessTheyWereReplaced() throws IOException {
    Path maker = jdk("maker", "25.0.1");
    Path prepared = Files.createDirectories(home.resolve("cache/lib"));
    Files.createFile(prepared.resolve("b.jar"));
    Files.createFile(prepared.resolve("removed.jar"));
    FileTime made = Files.getLastModifiedTime(home.resolve("lib/b.jar"));
    Files.setLastModifiedTime(prepared.resolve("b.jar"), made);
    String plain = "CLASSPATH=" + home.resolve("lib/a.jar") + ":" + home.resolve("lib/b.jar");
    assertEquals(plain, launch(maker).out().getFirst());

    Files.writeString(home.resolve("cache/kvorum.aot"), "x");
    Files.writeString(
        home.resolve("cache/kvorum.aot.jdk"),
        maker + " " + Files.readString(maker.resolve("release")).strip());
    assertEquals(
        "CLASSPATH=" + home.resolve("lib/a.jar") + ":" + prepared.resolve("b.jar"),
        launch(maker).out().getFirst());

    for (int seconds : List.of(-2, 2)) {
      Files.setLastModifiedTime(
          home.resolve("lib/b.jar"), FileTime.from(made.toInstant().plusSeconds(seconds)));
      assertEquals(plain, launch(maker).out().getFirst());
    }
  }

  @Test
  void usesACacheOnlyWithTheJdkThatMadeIt() throws IOException {
    Path maker = jdk("maker", "25.0.1");
    Path cache = Files.createDirectories(home.resolve("cache")).resolve("kvorum.aot");
    Files.writeString(cache, "x");
    Files.writeString(
        home.resolve("cache/kvorum.aot.jdk"),
        maker + " " + Files.readString(maker.resolve("release")).strip());
    String option = "-XX:AOTCache=" + cache;
    assertTrue(launch(maker).out().contains(option));
    assertFalse(launch(jdk("other", "25.0.1")).out().contains(option));
    Files.delete(home.resolve("cache/kvorum.aot.jdk"));
    Run without = launch(maker);
    assertFalse(without.out().contains(option));
    assertEquals("", without.err());
  }

  @ParameterizedTest
  @CsvSource({"25, 0", "25.0.3, 0", "26-ea, 0", "100, 0", "17.0.15, 1", "1.8.0_452, 1", "24, 1"})
  void takesOnlyAJavaThatIsNewEnough(String version, int exitCode) throws IOException {
    Path jdk = jdk("jdk", version);
    Run run = launch(jdk);
    assertEquals(exitCode, run.exitCode(), run.err());
    if (exitCode != 0) {
      assertEquals("kvorum: KVORUM_JAVA_HOME=" + jdk + " holds no JDK 25 or newer\n", run.err());
    }
  }

  @Test
  void tellsWhatItFoundWhereNothingFits() throws IOException {
    Path old = jdk("old", "17.0.1");
    Path script = directory.resolve("find");
    Files.writeString(
        script,
        "#!/usr/bin/env bash\n. '"
            + home.resolve("bin/jdk.sh")
            + "'\nKVORUM_LEAST_JAVA=999\nkvorum_find_java jdk\n");
    assertTrue(script.toFile().setExecutable(true));
    Run run = run(Map.of("JAVA_HOME", old.toString()), script);
    assertEquals(1, run.exitCode());
    assertTrue(run.err().contains("needs JDK 999 or newer, and found none"), run.err());
    assertTrue(run.err().contains("Java 17 in " + old), run.err());
    try (Stream<String> lines = run.err().lines()) {
      assertFalse(lines.anyMatch(line -> line.contains("unbound variable")));
    }
  }
}
