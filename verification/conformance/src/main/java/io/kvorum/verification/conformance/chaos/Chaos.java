package io.kvorum.verification.conformance.chaos;

import io.etcd.jetcd.api.CompactionRequest;
import io.kvorum.verification.conformance.cluster.Cluster;
import io.kvorum.verification.conformance.cluster.Member;
import io.kvorum.verification.conformance.cluster.Network;
import io.kvorum.verification.conformance.harness.Command;
import io.kvorum.verification.conformance.harness.SmallDisk;
import io.kvorum.verification.history.Verdict;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * One cluster and rounds of faults on it. After each round: every acknowledged write is there under
 * its revision, no revision is missing or used twice, the history is linearizable, and all members
 * hold the same keys, the same history and the same member list.
 */
public final class Chaos implements AutoCloseable {
  /** Small, so that a follower that was away for seconds needs a snapshot. */
  private static final int SNAPSHOT_COUNT = 500;

  private static final int CATCH_UP_ENTRIES = 200;
  private static final int ENTRIES_UNTIL_SNAPSHOT = 3 * (SNAPSHOT_COUNT + CATCH_UP_ENTRIES);
  private static final int SMALL_DISK_MIB = 1200;
  private static final Duration HELP_LIMIT = Duration.ofSeconds(20);
  private static final int LONGEST_LEAD_IN_MILLIS = 800;
  private static final Duration LEAD_OUT = Duration.ofMillis(500);

  /** Every so many rounds history is given up, so that the next ones check from there. */
  private static final int ROUNDS_PER_COMPACTION = 3;

  private final Network network;
  private final Cluster cluster;
  private final @Nullable SmallDisk smallDisk;
  private final SplittableRandom random;
  private final Path artefacts;
  private int rounds;
  private long compacted = 1;

  /**
   * @param launcher a program that takes etcd's flags
   * @param dataParent where the members' data goes
   * @param withFullDisk gives the first member a disk of its own in memory, where that may be done
   * @param artefacts where logs and histories go when something is wrong
   */
  public record Settings(
      Path launcher,
      int members,
      long seed,
      Path dataParent,
      boolean withFullDisk,
      Path artefacts) {}

  public static Chaos start(Settings settings) {
    var network = Network.best(settings.members());
    SmallDisk disk = null;
    try {
      disk = settings.withFullDisk() ? SmallDisk.mount(SMALL_DISK_MIB).orElse(null) : null;
      var setup =
          Cluster.Setup.of(settings.launcher(), network, settings.members())
              .dataUnder(settings.dataParent())
              .flags(quickSnapshots(settings.launcher()));
      if (disk != null) setup = setup.dataUnder(0, disk.root());
      return new Chaos(settings, network, started(setup, settings.artefacts()), disk);
    } catch (Throwable failure) {
      if (disk != null) disk.close();
      network.close();
      throw failure;
    }
  }

  private static Cluster started(Cluster.Setup setup, Path artefacts) {
    var cluster = Cluster.notStarted(setup);
    try {
      cluster.startAll();
      return cluster;
    } catch (AssertionError | RuntimeException failure) {
      try (cluster) {
        var directory = artefactDirectory(artefacts, "start-");
        cluster.saveOutput(directory);
        throw new AssertionError(
            failure.getMessage() + System.lineSeparator() + "artefacts: " + directory, failure);
      }
    }
  }

  private static Path artefactDirectory(Path parent, String prefix) {
    try {
      Files.createDirectories(parent);
      return Files.createTempDirectory(parent, prefix);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Chaos(
      Settings settings, Network network, Cluster cluster, @Nullable SmallDisk smallDisk) {
    this.network = network;
    this.cluster = cluster;
    this.smallDisk = smallDisk;
    this.random = new SplittableRandom(settings.seed());
    this.artefacts = settings.artefacts();
  }

  /** The flag for what is kept behind a snapshot was an experiment before etcd 3.6. */
  private static List<String> quickSnapshots(Path launcher) {
    var help = Command.run(HELP_LIMIT, launcher.toString(), "--help");
    var known = help.out() + help.err();
    var catchUp =
        known.contains("--snapshot-catchup-entries")
            ? "--snapshot-catchup-entries"
            : "--experimental-snapshot-catchup-entries";
    return List.of(
        "--snapshot-count",
        Integer.toString(SNAPSHOT_COUNT),
        catchUp,
        Integer.toString(CATCH_UP_ENTRIES));
  }

  public Cluster cluster() {
    return cluster;
  }

  public boolean fits(Fault fault) {
    return fault.fits(cluster, smallDisk != null);
  }

  /**
   * Runs one fault under load and checks everything.
   *
   * @param hold how long it lasts
   * @throws AssertionError naming the first promise that was not kept, and where the artefacts are
   */
  public Round round(Fault fault, Duration hold) {
    int number = ++rounds;
    var recorder = new Recorder();
    try {
      if (number % ROUNDS_PER_COMPACTION == 0) compact();
      return round(number, fault, hold, recorder);
    } catch (AssertionError | RuntimeException broken) {
      throw new AssertionError(
          "round %d, %s: %s%nartefacts: %s"
              .formatted(number, fault.title(), broken.getMessage(), save(recorder, broken)),
          broken);
    }
  }

  private Round round(int number, Fault fault, Duration hold, Recorder recorder) {
    var name = "r" + number;
    try (var clients = new Clients(cluster, recorder, random.split(), name)) {
      var nemesis =
          new Nemesis(cluster, clients, random.split(), ENTRIES_UNTIL_SNAPSHOT, smallDisk);
      clients.awaitWriteByEach(cluster.members(), System.nanoTime(), Round.HEAL_LIMIT);
      clients.goOnFor(Duration.ofMillis(random.nextInt(LONGEST_LEAD_IN_MILLIS)));
      long struck = System.nanoTime();
      var injection = nemesis.inject(fault);
      long begun = System.nanoTime();
      Optional<Duration> wentOnAfter = Optional.empty();
      if (injection.writesGoOn()) {
        var inside =
            cluster.members().stream().filter(m -> !injection.outside().contains(m)).toList();
        clients.awaitWriteByAny(inside, begun, Round.GO_ON_LIMIT);
        wentOnAfter = Optional.of(since(begun));
      }
      injection.meanwhile().accept(hold);
      injection.heal().run();
      long healed = System.nanoTime();
      clients.awaitWriteByEach(cluster.members(), healed, Round.HEAL_LIMIT);
      var healedAfter = since(healed);
      clients.goOnFor(LEAD_OUT);
      clients.stop();
      var told = recorder.history();
      var gap = Duration.ofNanos(Recorder.longestGapNanos(told, struck, System.nanoTime()));
      var shown = Convergence.check(cluster, compacted);
      var verdict = new Agreement(name + "/", told, shown).check();
      return Round.of(
          number,
          fault,
          injection.what(),
          wentOnAfter,
          healedAfter,
          gap,
          told,
          shown.until(),
          nemesis.snapshotReceived(),
          verdict instanceof Verdict.Undecided);
    }
  }

  private static Duration since(long nanos) {
    return Duration.ofNanos(System.nanoTime() - nanos);
  }

  private void compact() {
    var member = cluster.leader();
    compacted = Convergence.revision(member);
    var unused =
        member
            .connection()
            .kv(Client.CALL_LIMIT)
            .compact(CompactionRequest.newBuilder().setRevision(compacted).build());
  }

  private Path save(Recorder recorder, Throwable why) {
    try {
      var directory = artefactDirectory(artefacts, "round-" + rounds + "-");
      cluster.saveOutput(directory);
      Files.write(
          directory.resolve("history.txt"),
          recorder.history().operations().stream().map(Object::toString).toList());
      Files.write(
          directory.resolve("errors.txt"),
          recorder.errors().entrySet().stream().map(e -> e.getValue() + " " + e.getKey()).toList());
      Files.writeString(directory.resolve("verdict.txt"), stackTrace(why));
      for (var member : cluster.members()) saveShown(member, directory);
      return directory;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String stackTrace(Throwable why) {
    var text = new StringWriter();
    why.printStackTrace(new PrintWriter(text));
    return text.toString();
  }

  /** What the member shows itself, if it still answers. */
  private void saveShown(Member member, Path directory) throws IOException {
    if (!member.isServing()) return;
    try {
      var shown =
          KeyspaceHistory.read(
              member.connection(), compacted + 1, Convergence.localRevision(member));
      Files.write(
          directory.resolve(member.name() + "-shown.txt"),
          shown.events().entrySet().stream().map(KeyspaceHistory::line).toList());
    } catch (AssertionError | RuntimeException silent) {
      Files.writeString(directory.resolve(member.name() + "-shown.txt"), silent.toString());
    }
  }

  @Override
  public void close() {
    cluster.close();
    if (smallDisk != null) smallDisk.close();
    network.close();
  }
}
