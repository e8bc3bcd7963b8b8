package io.kvorum.verification.simulation;

import io.kvorum.actors.raft.RaftMessage;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.MembershipChange;
import io.kvorum.verification.history.Request;
import io.kvorum.verification.history.Response;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A small cluster on a network without chance, told what to do line by line, and what happens then.
 * A line that begins with {@code >} is a command, with {@code #} a remark; everything else is what
 * the cluster did, in milliseconds since its start. Heartbeats and their answers are left out, and
 * appends without entries that only repeat what is committed.
 */
final class Scenario {
  private static final long PATIENCE = 30 * Agenda.SECONDS;

  private final List<String> lines = new ArrayList<>();
  private @Nullable World world;
  private @Nullable Clients clients;
  private @Nullable Operator operator;
  private Predicate<Trace.Line> shown = Scenario::isOfInterest;

  private Scenario() {}

  /** The text with what happens filled in anew. */
  static String play(String text) {
    Scenario scenario = new Scenario();
    for (String line : text.split("\n")) {
      if (line.startsWith(">")) {
        scenario.lines.add(line);
        scenario.command(line.substring(1).strip());
      } else if (line.startsWith("#") || line.isBlank()) {
        scenario.lines.add(line);
      }
    }
    return String.join("\n", scenario.lines) + "\n";
  }

  private World world() {
    return java.util.Objects.requireNonNull(world, "a scenario begins with: cluster of N");
  }

  private void command(String command) {
    String[] words = command.split("\\s+");
    switch (words[0]) {
      case "cluster" -> begin(words);
      case "run" -> run(Long.parseLong(words[1]) * Agenda.MILLIS);
      case "until" -> until(command.substring("until ".length()));
      case "put", "get", "delete" -> ask(command, words);
      case "crash" -> member(words[1]).crash();
      case "start" -> member(words[1]).start();
      case "pause" -> member(words[1]).pause();
      case "resume" -> member(words[1]).resume();
      case "cut" -> cut(words, Network.Block.DROP);
      case "hold" -> cut(words, Network.Block.HOLD);
      case "deafen" -> deafen(words);
      case "heal" -> world().network().heal();
      case "disk" -> member(words[1]).disk().failing(words[2].equals("fails"));
      case "sync" -> slowDisk(words);
      case "transfer" -> transfer(words);
      case "add", "promote", "remove" -> change(words);
      case "show" -> show();
      default -> throw new IllegalArgumentException("unknown command: " + command);
    }
  }

  /**
   * {@code cluster of 3}, {@code cluster in order of 3} and, if wanted, {@code keeping 2 entries}.
   */
  private void begin(String[] words) {
    List<String> all = Arrays.asList(words);
    int size = Integer.parseInt(words[all.indexOf("of") + 1]);
    int keeping = all.indexOf("keeping");
    long keep = keeping < 0 ? 1000 : Long.parseLong(words[keeping + 1]);
    Setup setup = Setup.quiet(size, keep, 5);
    World built = new World(setup, new SplittableRandom(1), Tampering.NONE);
    world = built;
    clients = new Clients(built, 0, Agenda.SECONDS);
    operator = new Operator(built);
    built.members().forEach(Member::start);
    if (all.contains("order")) {
      until("all agree");
      run(Agenda.SECONDS - built.agenda().now());
      show();
    }
    built.trace().read(this::note);
  }

  private void note(Trace.Line line) {
    if (shown.test(line)) {
      lines.add(String.format(Locale.ROOT, "%7d  %s", line.at() / Agenda.MILLIS, line.text()));
    }
  }

  private static boolean isOfInterest(Trace.Line line) {
    return switch (line.what()) {
      case Wording.Heard heard -> false;
      case Wording.Wrote wrote -> !wrote.entries().isEmpty();
      case Wording.Sent sent -> isOfInterest(sent.message());
      case Wording.Lost lost -> isOfInterest(lost.message());
      default -> true;
    };
  }

  private static boolean isOfInterest(RaftMessage message) {
    return switch (message) {
      case RaftMessage.Heartbeat heartbeat -> heartbeat.round() > 0;
      case RaftMessage.HeartbeatResponse response -> response.round() > 0;
      case RaftMessage.Append append -> !append.entries().isEmpty();
      case RaftMessage.Committed committed -> false;
      case RaftMessage.Appended appended -> true;
      case RaftMessage.AppendRejected rejected -> true;
      case RaftMessage.VoteRequest request -> true;
      case RaftMessage.VoteResponse response -> true;
      case RaftMessage.Forward forward -> true;
      case RaftMessage.ReadIndexRequest request -> true;
      case RaftMessage.ReadIndexResponse response -> true;
      case RaftMessage.TimeoutNow now -> true;
      case RaftMessage.Refused refused -> true;
    };
  }

  private void run(long micros) {
    world().agenda().runUntil(world().agenda().now() + micros);
  }

  /** {@code until 2 leads}, {@code until somebody leads} or {@code until all agree}. */
  private void until(String condition) {
    Predicate<World> holds =
        switch (condition) {
          case "somebody leads" -> w -> w.leader() != null;
          case "all agree" -> Scenario::allAgree;
          default -> {
            MemberId id = id(condition.substring(0, condition.indexOf(' ')));
            yield w -> {
              Life life = w.lifeOf(id);
              return life != null && life.leadingTerm() > 0;
            };
          }
        };
    long limit = world().agenda().now() + PATIENCE;
    run(Agenda.MILLIS);
    while (!holds.test(world())) {
      if (world().agenda().now() > limit) {
        throw new AssertionError(
            "waited in vain until " + condition + "\n" + String.join("\n", lines));
      }
      run(Agenda.MILLIS);
    }
  }

  private static boolean allAgree(World world) {
    return world.leader() != null
        && world.lives().stream()
            .filter(l -> !l.member().isPaused() && !world.isRemoved(l.id()))
            .allMatch(
                l ->
                    l.store().applied().index() == world.committed()
                        && l.log().lastIndex() == world.committed());
  }

  /** {@code put k=v at 2}, {@code get k at 2}, {@code delete k at 2}. */
  private void ask(String command, String[] words) {
    String[] pair = words[1].split("=");
    Request request =
        switch (words[0]) {
          case "put" -> new Request.Put(pair[0], pair[1]);
          case "delete" -> new Request.Delete(pair[0]);
          default -> new Request.Get(pair[0]);
        };
    Life at = member(words[3]).life();
    if (at == null || clients == null) {
      throw new IllegalArgumentException(command + ": nobody is there");
    }
    clients.ask(0, at, request, () -> {});
  }

  /** {@code cut 1 from 2 3}. */
  private void cut(String[] words, Network.Block how) {
    List<MemberId> others = Arrays.stream(words).skip(3).map(Scenario::id).toList();
    world().network().cut(List.of(id(words[1])), others, how);
  }

  /** {@code deafen 1 to 2 3}: it does not hear them, they hear it. */
  private void deafen(String[] words) {
    Arrays.stream(words)
        .skip(3)
        .forEach(w -> world().network().block(id(w), id(words[1]), Network.Block.DROP));
  }

  /** {@code sync 1 in 500}: what the disk of 1 takes for a write, in milliseconds. */
  private void slowDisk(String[] words) {
    long micros = Long.parseLong(words[3]) * Agenda.MILLIS;
    member(words[1]).disk().syncTakes(micros, micros);
  }

  /** {@code transfer to 2}. */
  private void transfer(String[] words) {
    Life leader = world().leader();
    if (leader != null && operator != null) {
      operator.transfer(leader, id(words[2]));
    }
  }

  /**
   * {@code add learner at 1}, {@code add voter at 1}, {@code promote 4 at 1}, {@code remove 2 at
   * 1}.
   */
  private void change(String[] words) {
    Life at = member(words[3]).life();
    if (at == null || operator == null) {
      throw new IllegalArgumentException("nobody is there");
    }
    MemberId who;
    MembershipChange.Kind kind;
    if (words[0].equals("add")) {
      Member added = world().build();
      added.start();
      who = added.id();
      kind =
          words[1].equals("learner")
              ? MembershipChange.Kind.ADD_LEARNER
              : MembershipChange.Kind.ADD_VOTER;
    } else {
      who = id(words[1]);
      kind =
          words[0].equals("promote") ? MembershipChange.Kind.PROMOTE : MembershipChange.Kind.REMOVE;
    }
    operator.propose(at, kind, who);
  }

  private void show() {
    for (Member member : world().members()) {
      Life life = member.life();
      String state = member.isPaused() ? "paused" : "down";
      lines.add(
          "         "
              + member.id()
              + ": "
              + (life == null || member.isPaused()
                  ? state
                  : life.role()
                      + ", log from "
                      + life.log().firstIndex()
                      + " to "
                      + Wording.at(life.log().last())
                      + ", committed "
                      + life.log().committed()
                      + ", applied "
                      + life.store().applied().index()
                      + ", "
                      + Wording.configuration(life.configuration())
                      + ", "
                      + cells(life.store())));
    }
  }

  private static String cells(Store store) {
    StringBuilder text = new StringBuilder("{");
    store.cells().forEach((key, version) -> text.append(key + "=" + value(version) + " "));
    return text.toString().strip() + "}";
  }

  private static String value(Response.Version version) {
    return version.value();
  }

  private Member member(String word) {
    return world().member(id(word));
  }

  private static MemberId id(String word) {
    return new MemberId(Long.parseLong(word));
  }
}
