package io.kvorum.verification.conformance.cluster;

import io.etcd.jetcd.api.StatusResponse;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.ServerProcess;
import io.kvorum.verification.conformance.harness.ServerProcess.Settings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * Several server processes that were started as one cluster. Member {@code i} is in slot {@code i}
 * of the network.
 */
public final class Cluster implements AutoCloseable {
  private static final Duration LEADER_LIMIT = Duration.ofSeconds(30);

  private final Setup setup;
  private final CopyOnWriteArrayList<Member> members = new CopyOnWriteArrayList<>();

  /** Members that were removed; their output still counts when something is wrong. */
  private final List<Member> former = new ArrayList<>();

  private final Map<Integer, Integer> generations = new HashMap<>();

  /**
   * What to start.
   *
   * @param launcher any program that takes etcd's flags
   * @param network with at least as many slots as members
   * @param dataParents where each slot's data goes; null for the system's temporary directory
   * @param flags given to every member
   */
  public record Setup(
      Path launcher,
      Network network,
      int size,
      String token,
      Map<Integer, Path> dataParents,
      @Nullable Path dataParent,
      List<String> flags) {
    public static Setup of(Path launcher, Network network, int size) {
      return new Setup(launcher, network, size, "token", Map.of(), null, List.of());
    }

    public Setup dataUnder(@Nullable Path parent) {
      return new Setup(launcher, network, size, token, dataParents, parent, flags);
    }

    /** One member's data elsewhere than the others'. */
    public Setup dataUnder(int slot, Path parent) {
      return new Setup(launcher, network, size, token, Map.of(slot, parent), dataParent, flags);
    }

    public Setup flags(List<String> all) {
      return new Setup(launcher, network, size, token, dataParents, dataParent, all);
    }

    public Setup token(String other) {
      return new Setup(launcher, network, size, other, dataParents, dataParent, flags);
    }

    public static String memberName(int slot) {
      return "m" + (slot + 1);
    }

    /** Names and peer URLs of all initial members, as the flag wants them. */
    public String initialCluster() {
      var pairs = new ArrayList<String>();
      for (int slot = 0; slot < size; slot++)
        pairs.add(memberName(slot) + "=" + network.place(slot, 0).peerUrl());
      return String.join(",", pairs);
    }

    /**
     * A process for a slot, not started.
     *
     * @param state {@code new} or {@code existing}
     */
    public Member member(
        int slot, int generation, String name, String initialCluster, String state) {
      var all =
          new ArrayList<>(
              List.of(
                  "--name", name,
                  "--initial-cluster", initialCluster,
                  "--initial-cluster-token", token,
                  "--initial-cluster-state", state));
      all.addAll(flags);
      var settings = Settings.plain().at(network.place(slot, generation));
      var parent = dataParents.getOrDefault(slot, dataParent);
      if (parent != null) settings = settings.dataUnder(parent);
      return new Member(
          slot,
          name,
          ServerProcess.notStarted(launcher, settings.flags(all.toArray(String[]::new))));
    }
  }

  private Cluster(Setup setup) {
    this.setup = setup;
    for (int slot = 0; slot < setup.size(); slot++)
      members.add(setup.member(slot, 0, Setup.memberName(slot), setup.initialCluster(), "new"));
  }

  /** Processes made, none started. */
  public static Cluster notStarted(Setup setup) {
    return new Cluster(setup);
  }

  /** All started together, and each answering. */
  public static Cluster start(Setup setup) {
    var cluster = new Cluster(setup);
    try {
      cluster.startAll();
      return cluster;
    } catch (Throwable failure) {
      cluster.close();
      throw failure;
    }
  }

  /** Starts those that do not run, goes on with those that stand, and waits until all answer. */
  public void startAll() {
    for (var member : members) {
      if (member.isPaused()) member.resume();
      if (!member.server().isAlive()) member.server().launch();
    }
    for (var member : members) member.server().awaitReady();
  }

  public Setup setup() {
    return setup;
  }

  public Network network() {
    return setup.network();
  }

  public List<Member> members() {
    return List.copyOf(members);
  }

  public Member member(int slot) {
    return members.get(slot);
  }

  public int quorum() {
    return members.size() / 2 + 1;
  }

  /** Those that run and are not paused. */
  public List<Member> serving() {
    return members.stream().filter(Member::isServing).toList();
  }

  /** The member that a quorum takes for its leader, and that takes itself for it. */
  public Optional<Member> leaderNow() {
    var said = new HashMap<Member, StatusResponse>();
    for (var member : serving()) member.status().ifPresent(status -> said.put(member, status));
    for (var member : members) {
      var own = said.get(member);
      if (own == null || own.getLeader() == 0 || own.getLeader() != own.getHeader().getMemberId())
        continue;
      long followers = said.values().stream().filter(s -> s.getLeader() == own.getLeader()).count();
      if (followers >= quorum()) return Optional.of(member);
    }
    return Optional.empty();
  }

  public Member leader() {
    var found = new ArrayList<Member>();
    Await.until(
        "a leader",
        LEADER_LIMIT,
        () -> {
          leaderNow().ifPresent(found::add);
          return !found.isEmpty();
        });
    return found.getFirst();
  }

  public List<Member> followers() {
    var leader = leader();
    return members.stream().filter(member -> member != leader).toList();
  }

  /**
   * Another member in the place of one that was removed from the membership: a process not started
   * yet, on a fresh directory and new ports in the same slot.
   *
   * @param initialCluster as the answer to its addition named it
   */
  public Member replace(Member old, String name, int generation, String initialCluster) {
    var fresh = setup.member(old.slot(), generation, name, initialCluster, "existing");
    former.add(old);
    members.set(old.slot(), fresh);
    return fresh;
  }

  /**
   * Removes a member that is down, by the tool, and adds another one in its slot.
   *
   * @return the process that was added, not started yet
   */
  public Member replaceLost(Member lost, String name) {
    var asked = leader();
    Etcdctl.whenHealthy(asked, "member", "remove", Etcdctl.memberId(asked, lost.name()));
    int generation = nextGeneration(lost.slot());
    var url = network().place(lost.slot(), generation).peerUrl();
    var added = Etcdctl.whenHealthy(asked, "member", "add", name, "--peer-urls=" + url);
    return replace(lost, name, generation, Etcdctl.initialCluster(added));
  }

  /** A number that no earlier member of the slot has had. */
  public int nextGeneration(int slot) {
    return generations.merge(slot, 1, Integer::sum);
  }

  /** Copies what every process has printed into the directory. */
  public void saveOutput(Path directory) {
    try {
      Files.createDirectories(directory);
      var all = new ArrayList<>(former);
      all.addAll(members);
      for (var member : all)
        Files.writeString(directory.resolve(member.name() + ".log"), member.server().output());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Kills all and removes their data. The network stays. */
  @Override
  public void close() {
    for (var member : members) member.close();
    for (var member : former) member.close();
  }
}
