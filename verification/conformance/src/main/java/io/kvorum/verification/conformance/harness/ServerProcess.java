package io.kvorum.verification.conformance.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One server as an operating system process: etcd or anything that takes etcd's flags. Listens on
 * free loopback ports unless it is given another place, keeps its data in a directory of its own,
 * and can be killed and started again on the same data. Closing it ends the process and removes the
 * directory.
 */
public final class ServerProcess implements AutoCloseable {
  private static final Duration READY_LIMIT = Duration.ofSeconds(60);
  private static final Duration STOP_LIMIT = Duration.ofSeconds(30);

  private static final int OUTPUT_END_CHARACTERS = 4000;

  /** Exit codes of a process that a signal ended, as the shell and etcd itself report them. */
  public static final int KILLED = 128 + 9;

  private final Path launcher;
  private final Settings settings;
  private final Path workspace;
  private final Path log;
  private final Place place;

  /** For a run that is interrupted: the server and its data do not outlive us. */
  private final Thread abandoned = new Thread(this::endAndRemove);

  private @Nullable Process process;

  /**
   * What differs from a plain single node.
   *
   * @param dataParent where the data directory is made; null means the system's temporary directory
   * @param dataDirectory an existing place to use instead, never removed by us
   * @param advertisedPeerUrl when set, goes into the identity instead of the real peer address:
   *     same URL, same ids
   * @param place where it listens; null means free loopback ports
   * @param extraFlags appended, so that they win over the ones set here
   * @param environment variables added to our own
   */
  public record Settings(
      @Nullable Path dataParent,
      @Nullable Path dataDirectory,
      @Nullable String advertisedPeerUrl,
      @Nullable Place place,
      List<String> extraFlags,
      Map<String, String> environment) {
    public static Settings plain() {
      return new Settings(null, null, null, null, List.of(), Map.of());
    }

    public Settings dataUnder(Path parent) {
      return new Settings(parent, dataDirectory, advertisedPeerUrl, place, extraFlags, environment);
    }

    public Settings dataIn(Path directory) {
      return new Settings(dataParent, directory, advertisedPeerUrl, place, extraFlags, environment);
    }

    public Settings advertisingPeer(String url) {
      return new Settings(dataParent, dataDirectory, url, place, extraFlags, environment);
    }

    public Settings at(Place elsewhere) {
      return new Settings(
          dataParent, dataDirectory, advertisedPeerUrl, elsewhere, extraFlags, environment);
    }

    public Settings flags(String... flags) {
      return new Settings(
          dataParent, dataDirectory, advertisedPeerUrl, place, List.of(flags), environment);
    }

    public Settings with(String variable, String value) {
      var more = new TreeMap<>(environment);
      more.put(variable, value);
      return new Settings(
          dataParent, dataDirectory, advertisedPeerUrl, place, extraFlags, Map.copyOf(more));
    }
  }

  private ServerProcess(Path launcher, Settings settings) {
    this.launcher = launcher;
    this.settings = settings;
    try {
      this.workspace =
          settings.dataParent == null
              ? Files.createTempDirectory("server-")
              : Files.createTempDirectory(settings.dataParent, "server-");
      this.log = Files.createTempFile("server-", ".log");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Runtime.getRuntime().addShutdownHook(abandoned);
    this.place = settings.place == null ? Place.onLoopback() : settings.place;
  }

  /** Started and answering. */
  public static ServerProcess start(Path launcher) {
    return start(launcher, Settings.plain());
  }

  public static ServerProcess start(Path launcher, Settings settings) {
    var server = new ServerProcess(launcher, settings);
    try {
      server.startAgain();
      return server;
    } catch (Throwable failure) {
      server.close();
      throw failure;
    }
  }

  /** Made but not started: for starts that are expected to be refused. */
  public static ServerProcess notStarted(Path launcher, Settings settings) {
    return new ServerProcess(launcher, settings);
  }

  /** Starts the process on the data it has, and waits until it answers. */
  public void startAgain() {
    launch();
    awaitReady();
  }

  /** Starts the process and waits for nothing. */
  public void launch() {
    if (isAlive()) throw new IllegalStateException("already running: " + this);
    try {
      var builder =
          new ProcessBuilder(command())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
      builder.environment().putAll(settings.environment);
      process = builder.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private List<String> command() {
    var peerUrl = place.peerUrl();
    var advertised = settings.advertisedPeerUrl == null ? peerUrl : settings.advertisedPeerUrl;
    var command = new ArrayList<>(place.entry());
    command.add(launcher.toString());
    command.addAll(List.of("--name", "default"));
    command.addAll(List.of("--data-dir", dataDirectory().toString()));
    command.addAll(List.of("--listen-client-urls", clientUrl()));
    command.addAll(List.of("--advertise-client-urls", clientUrl()));
    command.addAll(List.of("--listen-peer-urls", peerUrl));
    command.addAll(List.of("--initial-advertise-peer-urls", advertised));
    command.addAll(List.of("--initial-cluster", "default=" + advertised));
    command.addAll(settings.extraFlags);
    return command;
  }

  /** Waits until a client's request is answered. Fails at once when the process ends instead. */
  public void awaitReady() {
    try (var connection = Connection.to(address())) {
      Await.until(
          "ready: " + this,
          READY_LIMIT,
          () -> {
            if (!isAlive())
              throw new AssertionError("ended with " + exitCode() + " instead:\n" + output());
            return connection.answers(Duration.ofSeconds(2));
          });
    }
  }

  public boolean isAlive() {
    return process != null && process.isAlive();
  }

  /** The code of the ended process. */
  public int exitCode() {
    return running().exitValue();
  }

  /** Waits for the process to end by itself. */
  public int awaitExit(Duration limit) {
    try {
      if (!running().waitFor(limit.toMillis(), TimeUnit.MILLISECONDS))
        throw new AssertionError("still running after " + limit + ": " + this + "\n" + output());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
    return exitCode();
  }

  /** SIGKILL: no chance to write anything more. */
  public void kill() {
    signal("KILL");
    awaitExit(STOP_LIMIT);
  }

  /** SIGTERM, as an operator stops it. Returns the exit code. */
  public int terminate() {
    signal("TERM");
    return awaitExit(STOP_LIMIT);
  }

  public void pause() {
    signal("STOP");
  }

  public void resume() {
    signal("CONT");
  }

  private void signal(String name) {
    var sent = Command.run(Duration.ofSeconds(10), "kill", "-" + name, Long.toString(pid()));
    if (sent.exitCode() != 0) throw new IllegalStateException("kill -" + name + ": " + sent.err());
  }

  public long pid() {
    return running().pid();
  }

  /** Lines `Name: value` of the kernel's status page of the process, values in its own unit. */
  public long status(String name) {
    try (Stream<String> lines = Files.lines(Path.of("/proc/" + pid() + "/status"))) {
      return lines
          .filter(line -> line.startsWith(name + ":"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
          .findFirst()
          .orElseThrow();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public long openFiles() {
    try (Stream<Path> files = Files.list(Path.of("/proc/" + pid() + "/fd"))) {
      return files.count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public Path dataDirectory() {
    return settings.dataDirectory == null ? workspace.resolve("data") : settings.dataDirectory;
  }

  public int clientPort() {
    return place.clientPort();
  }

  public Place place() {
    return place;
  }

  public String address() {
    return place.clientAddress();
  }

  public String clientUrl() {
    return "http://" + address();
  }

  /** Everything the process has printed so far, from all its starts. */
  public String output() {
    try {
      return new String(Files.readAllBytes(log), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The last few thousand characters of it. */
  public String outputEnd() {
    var all = output();
    return all.substring(Math.max(0, all.length() - OUTPUT_END_CHARACTERS));
  }

  private Process running() {
    if (process == null) throw new IllegalStateException("never started: " + this);
    return process;
  }

  @Override
  public String toString() {
    return launcher + " on " + address() + " with " + dataDirectory();
  }

  @Override
  public void close() {
    Runtime.getRuntime().removeShutdownHook(abandoned);
    endAndRemove();
  }

  private void endAndRemove() {
    if (process != null && process.isAlive()) {
      process.destroyForcibly();
      awaitExit(STOP_LIMIT);
    }
    Directories.delete(workspace);
    Directories.delete(log);
  }
}
