package io.kvorum.verification.conformance.chaos;

import io.kvorum.verification.conformance.cluster.Cluster;
import io.kvorum.verification.conformance.cluster.Etcdctl;
import io.kvorum.verification.conformance.cluster.Member;
import io.kvorum.verification.conformance.cluster.Network.Link;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Command;
import io.kvorum.verification.conformance.harness.SmallDisk;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Brings faults about, and takes them back. */
final class Nemesis {
  private static final Duration MEMBERSHIP_LIMIT = Duration.ofSeconds(40);
  private static final Duration REMOVED_ENDS_LIMIT = Duration.ofSeconds(40);
  private static final Duration SNAPSHOT_LIMIT = Duration.ofSeconds(15);

  /** Counts of the member's page of metrics; etcd's name. */
  private static final String SNAPSHOTS_RECEIVED = "etcd_network_snapshot_receive_success";

  private final Cluster cluster;
  private final Clients clients;
  private final SplittableRandom random;
  private final int entriesUntilSnapshot;
  private final @Nullable SmallDisk diskOfFirst;
  private boolean snapshotReceived;

  /**
   * A fault that has begun.
   *
   * @param what it is, for a reader
   * @param outside members through which nothing can be written meanwhile
   * @param writesGoOn whether the others make a quorum
   * @param meanwhile what happens as long as it lasts
   * @param heal ends it; returns when all processes answer
   */
  record Injection(
      String what,
      List<Member> outside,
      boolean writesGoOn,
      Consumer<Duration> meanwhile,
      Runnable heal) {}

  /**
   * @param entriesUntilSnapshot so many writes behind, a follower needs a snapshot
   * @param diskOfFirst where the first member has its data, if that is a disk of its own
   */
  Nemesis(
      Cluster cluster,
      Clients clients,
      SplittableRandom random,
      int entriesUntilSnapshot,
      @Nullable SmallDisk diskOfFirst) {
    this.cluster = cluster;
    this.clients = clients;
    this.random = random;
    this.entriesUntilSnapshot = entriesUntilSnapshot;
    this.diskOfFirst = diskOfFirst;
  }

  /** Whether a follower that was away long enough was seen to get a snapshot. */
  boolean snapshotReceived() {
    return snapshotReceived;
  }

  Injection inject(Fault fault) {
    var all = cluster.members();
    int minority = all.size() - cluster.quorum();
    return switch (fault) {
      case KILL_LEADER -> kill(List.of(cluster.leader()));
      case KILL_FOLLOWER -> kill(List.of(anyOf(cluster.followers())));
      case KILL_MINORITY -> kill(leaderAnd(minority - 1));
      case KILL_ALL -> kill(all);
      case PAUSE_LEADER -> pause(List.of(cluster.leader()));
      case PAUSE_FOLLOWER -> pause(List.of(anyOf(cluster.followers())));
      case PAUSE_MAJORITY -> pause(leaderAnd(cluster.quorum() - 1));
      case STUTTER -> stutter(anyOf(all));
      case PARTITION_LEADER -> isolate(List.of(cluster.leader()));
      case PARTITION_FOLLOWER -> isolate(List.of(anyOf(cluster.followers())));
      case PARTITION_WITH_LEADER -> isolate(leaderAnd(minority - 1));
      case PARTITION_WITHOUT_LEADER -> isolate(shuffled(cluster.followers()).subList(0, minority));
      case PARTITION_MAJORITY -> shatter(minority);
      case ONE_WAY_FROM_LEADER -> oneWay(cluster.leader(), true);
      case ONE_WAY_TO_LEADER -> oneWay(cluster.leader(), false);
      case ONE_WAY_TO_FOLLOWER -> oneWay(anyOf(cluster.followers()), false);
      case ONE_LINK -> oneLink();
      case ROLLING_RESTART -> rollingRestart();
      case REPLACE_MEMBER -> replace();
      case AWAY_FOR_SNAPSHOT -> awayForSnapshot();
      case FULL_DISK -> fullDisk();
      case STORM -> storm();
    };
  }

  private Injection kill(List<Member> victims) {
    for (var victim : victims) victim.kill();
    return lasting("killed " + victims, victims, cluster::startAll);
  }

  private Injection pause(List<Member> victims) {
    for (var victim : victims) victim.pause();
    return lasting("stopped " + victims, victims, cluster::startAll);
  }

  private Injection isolate(List<Member> victims) {
    var others = cluster.members().stream().filter(m -> !victims.contains(m)).toList();
    var links = new ArrayList<>(between(victims, others));
    links.addAll(between(others, victims));
    cluster.network().cut(links);
    return lasting(
        "cut off " + victims,
        victims.size() < others.size() ? victims : others,
        cluster.network()::mend);
  }

  /** Into parts no greater than this. */
  private Injection shatter(int largest) {
    var links = new ArrayList<Link>();
    var order = shuffled(cluster.members());
    var parts = new ArrayList<List<Member>>();
    for (int i = 0; i < order.size(); i += largest)
      parts.add(order.subList(i, Math.min(order.size(), i + largest)));
    for (var one : parts)
      for (var other : parts) if (one != other) links.addAll(between(one, other));
    cluster.network().cut(links);
    return lasting("parted into " + parts, order, cluster.network()::mend);
  }

  private Injection oneWay(Member victim, boolean from) {
    var others = cluster.members().stream().filter(m -> m != victim).toList();
    var one = List.of(victim);
    cluster.network().cut(from ? between(one, others) : between(others, one));
    return lasting(
        (from ? "lost whatever is sent by " : "lost whatever is sent to ") + one,
        one,
        cluster.network()::mend);
  }

  private Injection oneLink() {
    var leader = List.of(cluster.leader());
    var follower = List.of(anyOf(cluster.followers()));
    var links = new ArrayList<>(between(leader, follower));
    links.addAll(between(follower, leader));
    cluster.network().cut(links);
    // either of the two may be without a leader then
    var both = List.of(leader.getFirst(), follower.getFirst());
    var outside = cluster.members().size() == 3 ? follower : both;
    return lasting("cut between " + leader + " and " + follower, outside, cluster.network()::mend);
  }

  private Injection lasting(String what, List<Member> outside, Runnable heal) {
    boolean writesGoOn = cluster.members().size() - outside.size() >= cluster.quorum();
    return new Injection(what, outside, writesGoOn, clients::goOnFor, heal);
  }

  private Injection over(String what) {
    return new Injection(what, List.of(), true, clients::goOnFor, () -> {});
  }

  /** Runs for moments of some ten milliseconds and stands for some hundred. */
  private Injection stutter(Member victim) {
    return new Injection(
        victim + " stutters",
        List.of(victim),
        true,
        length -> {
          long until = System.nanoTime() + length.toNanos();
          while (System.nanoTime() - until < 0) {
            victim.pause();
            clients.goOnFor(Duration.ofMillis(random.nextInt(30, 400)));
            victim.resume();
            clients.goOnFor(Duration.ofMillis(random.nextInt(10, 100)));
          }
        },
        cluster::startAll);
  }

  private Injection rollingRestart() {
    var order = shuffled(cluster.members());
    for (var member : order) {
      int unused = member.server().terminate();
      member.server().startAgain();
      clients.awaitWriteByEach(List.of(member), System.nanoTime(), Round.HEAL_LIMIT);
    }
    return over("restarted " + order);
  }

  /**
   * The one that leaves either runs and has to end by itself, or was dead and has to end by itself
   * when it comes back.
   */
  private Injection replace() {
    var old = anyOf(cluster.members());
    boolean dead = random.nextBoolean();
    var asked = anyOf(cluster.members().stream().filter(m -> m != old).toList());
    var id = Long.toHexString(old.status().orElseThrow().getHeader().getMemberId());
    if (dead) old.kill();
    retried(() -> Etcdctl.run(asked, "member", "remove", id));
    if (dead) old.server().launch();
    int unused = old.server().awaitExit(REMOVED_ENDS_LIMIT);
    int generation = cluster.nextGeneration(old.slot());
    var name = Cluster.Setup.memberName(old.slot()) + "-" + generation;
    var url = cluster.network().place(old.slot(), generation).peerUrl();
    var added = retried(() -> Etcdctl.run(asked, "member", "add", name, "--peer-urls=" + url));
    var fresh = cluster.replace(old, name, generation, Etcdctl.initialCluster(added));
    fresh.server().startAgain();
    return over((dead ? "dead " : "") + old + " replaced by " + fresh);
  }

  /** Until it is accepted: a cluster that is electing or has just changed refuses. */
  private static Command.Result retried(Supplier<Command.Result> change) {
    var tries = new ArrayList<Command.Result>();
    boolean accepted =
        Await.holdsWithin(
            MEMBERSHIP_LIMIT,
            () -> {
              var result = change.get();
              tries.add(result);
              return result.exitCode() == 0;
            });
    if (!accepted) throw new AssertionError("the membership cannot be changed: " + tries.getLast());
    return tries.getLast();
  }

  /**
   * A dead follower is sent a snapshot, unless another one was under way so recently that the log
   * was kept. For one that was only cut off all it missed may lie in its peers' buffers still.
   */
  private Injection awayForSnapshot() {
    var follower = anyOf(cluster.followers());
    boolean dead = !cluster.network().canCut() || random.nextInt(4) > 0;
    var away = dead ? kill(List.of(follower)) : isolate(List.of(follower));
    var others = cluster.members().stream().filter(m -> m != follower).toList();
    clients.flood(others, entriesUntilSnapshot);
    return new Injection(
        away.what() + " for " + entriesUntilSnapshot + " writes",
        away.outside(),
        true,
        clients::goOnFor,
        () -> {
          away.heal().run();
          if (dead)
            snapshotReceived =
                Await.holdsWithin(SNAPSHOT_LIMIT, () -> follower.counter(SNAPSHOTS_RECEIVED) > 0);
        });
  }

  private Injection fullDisk() {
    if (diskOfFirst == null) throw new IllegalStateException("no disk to fill");
    var victim = cluster.member(0);
    var disk = diskOfFirst;
    disk.fill();
    return lasting(
        "filled the disk of " + victim,
        List.of(victim),
        () -> {
          disk.free();
          cluster.startAll();
        });
  }

  private Injection storm() {
    var all = cluster.members();
    return new Injection(
        "kills, pauses and cuts",
        all,
        false,
        length -> {
          long until = System.nanoTime() + length.toNanos();
          while (System.nanoTime() - until < 0) {
            gust(all);
            clients.goOnFor(Duration.ofMillis(random.nextInt(100, 1500)));
          }
        },
        () -> {
          cluster.network().mend();
          cluster.startAll();
        });
  }

  private void gust(List<Member> all) {
    var victim = anyOf(all);
    int dice = random.nextInt(10);
    if (dice < 2 && victim.server().isAlive()) victim.kill();
    else if (dice < 4 && victim.isServing()) victim.pause();
    else if (dice < 6 && victim.isPaused()) victim.resume();
    else if (dice < 8 && !victim.server().isAlive()) victim.server().launch();
    else if (!cluster.network().canCut()) cluster.network().mend();
    else if (dice < 9) cluster.network().cut(someLinks(all));
    else cluster.network().mend();
  }

  private List<Link> someLinks(List<Member> all) {
    return between(all, all).stream().filter(link -> random.nextInt(3) == 0).toList();
  }

  private static List<Link> between(List<Member> senders, List<Member> receivers) {
    var links = new ArrayList<Link>();
    for (var from : senders)
      for (var to : receivers) if (from != to) links.add(new Link(from.slot(), to.slot()));
    return links;
  }

  private List<Member> leaderAnd(int followers) {
    var chosen = new ArrayList<Member>();
    var leader = cluster.leader();
    chosen.add(leader);
    chosen.addAll(
        shuffled(cluster.members().stream().filter(m -> m != leader).toList())
            .subList(0, followers));
    return chosen;
  }

  private Member anyOf(List<Member> some) {
    return some.get(random.nextInt(some.size()));
  }

  private List<Member> shuffled(List<Member> some) {
    var rest = new ArrayList<>(some);
    var order = new ArrayList<Member>();
    while (!rest.isEmpty()) order.add(rest.remove(random.nextInt(rest.size())));
    return order;
  }
}
