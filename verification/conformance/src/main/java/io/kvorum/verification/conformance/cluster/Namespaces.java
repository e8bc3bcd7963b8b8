package io.kvorum.verification.conformance.cluster;

import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Command;
import io.kvorum.verification.conformance.harness.Place;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Each slot is a network namespace of Linux with one address; a bridge joins them, and the clients
 * outside have an address on it too.
 *
 * <p>A cut gives the sender a wrong hardware address for the receiver: its frames cross the bridge
 * and nobody takes them, and neither side is told, as behind a switch that fails. That needs the
 * {@code ip} command and the right to use it, and no packet filter. It works in one direction: of a
 * TCP connection that crosses such a link the other direction's data still arrive, until the sender
 * has no room left for what is never acknowledged.
 */
public final class Namespaces implements Network {
  /** By its whole name: who is not root has no sbin on the path. */
  private static final String IP =
      Stream.of("/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip")
          .filter(path -> Files.isExecutable(Path.of(path)))
          .findFirst()
          .orElse("/sbin/ip");

  private static final int CLIENT_PORT = 2379;
  private static final int PEER_PORT = 2380;
  private static final int GENERATION_STEP = 10;
  private static final int FIRST_HOST = 11;
  private static final String NOBODY = "02:00:00:00:00:00";
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final AtomicInteger SERIAL = new AtomicInteger();

  /** Names hold the process that made them, so that what a killed one left can be told. */
  private static final Pattern OUR_NAMESPACE = Pattern.compile("(kvorum-(\\d+)-\\d+-\\d+)( .*)?");

  private static final Pattern OUR_BRIDGE = Pattern.compile("(kv(\\d+)-\\d+)");

  private final int slots;
  private final long pid = ProcessHandle.current().pid();
  private final int serial = SERIAL.incrementAndGet();
  private final String subnet;
  private final Map<Integer, TreeSet<String>> cutFrom = new TreeMap<>();
  private final Thread abandoned = new Thread(this::remove);

  private Namespaces(int slots) {
    this.slots = slots;
    // 10.64.0.0/10 has 16,384 of these; two runs on one machine must not meet
    int block = Math.floorMod(pid * 31 + serial, 1 << 14);
    this.subnet = "10." + (64 + block / 256) + "." + block % 256 + ".";
  }

  /** Empty when this process may not make any, or lacks the command for it. */
  public static Optional<Namespaces> open(int slots) {
    if (!Files.isExecutable(Path.of(IP))) return Optional.empty();
    removeLeftovers();
    var namespaces = new Namespaces(slots);
    Runtime.getRuntime().addShutdownHook(namespaces.abandoned);
    try {
      if (namespaces.make()) return Optional.of(namespaces);
    } catch (RuntimeException | Error failure) {
      namespaces.close();
      throw failure;
    }
    namespaces.close();
    return Optional.empty();
  }

  private boolean make() {
    if (Command.run(LIMIT, IP, "link", "add", bridge(), "type", "bridge").exitCode() != 0)
      return false;
    ip("addr", "add", subnet + "1/24", "dev", bridge());
    ip("link", "set", bridge(), "up");
    for (int slot = 0; slot < slots; slot++) {
      if (Command.run(LIMIT, IP, "netns", "add", name(slot)).exitCode() != 0) return false;
      var cable = "kv" + pid + "-" + serial + "-" + slot;
      ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name(slot));
      ip("link", "set", cable, "master", bridge(), "up");
      ip("-n", name(slot), "addr", "add", host(slot) + "/24", "dev", "eth0");
      ip("-n", name(slot), "link", "set", "eth0", "up");
      ip("-n", name(slot), "link", "set", "lo", "up");
    }
    return true;
  }

  @Override
  public int slots() {
    return slots;
  }

  @Override
  public Place place(int slot, int generation) {
    if (slot >= slots) throw new IllegalArgumentException("there are " + slots + " slots");
    int step = GENERATION_STEP * generation;
    return new Place(
        host(slot), CLIENT_PORT + step, PEER_PORT + step, List.of(IP, "netns", "exec", name(slot)));
  }

  @Override
  public boolean canCut() {
    return true;
  }

  @Override
  public synchronized void cut(Collection<Link> links) {
    var perSender = new TreeMap<Integer, StringBuilder>();
    for (var link : links) {
      var receiver = host(link.to());
      if (link.from() == link.to()
          || !cutFrom.computeIfAbsent(link.from(), s -> new TreeSet<>()).add(receiver)) continue;
      perSender
          .computeIfAbsent(link.from(), s -> new StringBuilder())
          .append(
              "neigh replace %s lladdr %s dev eth0 nud permanent%n".formatted(receiver, NOBODY));
    }
    perSender.forEach((sender, commands) -> batch(sender, commands.toString()));
  }

  @Override
  public synchronized void mend() {
    cutFrom.forEach(
        (sender, receivers) -> {
          var commands = new StringBuilder();
          for (var receiver : receivers)
            commands.append("neigh del %s dev eth0%n".formatted(receiver));
          batch(sender, commands.toString());
        });
    cutFrom.clear();
  }

  private void batch(int slot, String commands) {
    var done = Command.run(LIMIT, Map.of(), commands, List.of(IP, "-n", name(slot), "-batch", "-"));
    if (done.exitCode() != 0) throw new IllegalStateException(commands + done.err());
  }

  private static void ip(String... arguments) {
    var command = new ArrayList<>(List.of(IP));
    command.addAll(List.of(arguments));
    var done = Command.run(LIMIT, Map.of(), "", command);
    if (done.exitCode() != 0) throw new IllegalStateException(command + ": " + done.err());
  }

  private String host(int slot) {
    return subnet + (FIRST_HOST + slot);
  }

  private String name(int slot) {
    return "kvorum-" + pid + "-" + serial + "-" + slot;
  }

  private String bridge() {
    return "kv" + pid + "-" + serial;
  }

  @Override
  public void close() {
    Runtime.getRuntime().removeShutdownHook(abandoned);
    remove();
  }

  private void remove() {
    for (int slot = 0; slot < slots; slot++) {
      var unused = Command.run(LIMIT, IP, "netns", "del", name(slot));
    }
    var unused = Command.run(LIMIT, IP, "link", "del", bridge());
    Await.until(
        "removed " + bridge(),
        LIMIT,
        () -> !Command.run(LIMIT, IP, "-br", "link").out().contains(bridge() + "-"));
  }

  /** What runs that were killed themselves have left, with the servers in it. */
  private static void removeLeftovers() {
    for (var line : Command.run(LIMIT, IP, "netns", "list").out().lines().toList()) {
      var ours = OUR_NAMESPACE.matcher(line);
      if (!ours.matches() || isAlive(ours.group(2))) continue;
      for (var orphan :
          Command.run(LIMIT, IP, "netns", "pids", ours.group(1)).out().lines().toList())
        ProcessHandle.of(Long.parseLong(orphan)).ifPresent(ProcessHandle::destroyForcibly);
      var unused = Command.run(LIMIT, IP, "netns", "del", ours.group(1));
    }
    for (var line :
        Command.run(LIMIT, IP, "-br", "link", "show", "type", "bridge").out().lines().toList()) {
      var ours = OUR_BRIDGE.matcher(line.split("\\s", 2)[0]);
      if (ours.matches() && !isAlive(ours.group(2))) {
        var unused = Command.run(LIMIT, IP, "link", "del", ours.group(1));
      }
    }
  }

  private static boolean isAlive(String pid) {
    return ProcessHandle.of(Long.parseLong(pid)).isPresent();
  }
}
