package io.kvorum.server.http;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/**
 * The checks behind {@code /health}, {@code /livez} and {@code /readyz}. A check answers with the
 * text of what is wrong, or with nothing.
 */
final class HealthChecks {
  /** A page of checks and those it runs, in the order they are shown. */
  enum Page {
    LIVEZ("livez"),
    READYZ("readyz");

    private final String label;

    Page(String label) {
      this.label = label;
    }

    String label() {
      return label;
    }
  }

  /** How a page's checks went: a line for each, and whether all passed. */
  record Report(boolean healthy, String lines) {}

  private static final String FINE = "";
  private static final String CORRUPT = "CORRUPT";

  /** Alarms that {@code /health} names; of others it only says that there are some. */
  private static final Set<String> NAMED_ALARMS = Set.of("NOSPACE", CORRUPT);

  private final Probe probe;
  private final Duration timeout;
  private final Map<Page, Map<String, Supplier<CompletionStage<String>>>> checks;

  HealthChecks(Probe probe, Duration timeout) {
    this.probe = probe;
    this.timeout = timeout;
    Map<String, Supplier<CompletionStage<String>>> live = new LinkedHashMap<>();
    live.put("serializable_read", () -> read(true));
    Map<String, Supplier<CompletionStage<String>>> ready = new LinkedHashMap<>();
    ready.put("data_corruption", () -> CompletableFuture.completedFuture(dataCorruption()));
    ready.put("serializable_read", () -> read(true));
    ready.put("linearizable_read", () -> read(false));
    ready.put("non_learner", () -> CompletableFuture.completedFuture(nonLearner()));
    this.checks = Map.of(Page.LIVEZ, live, Page.READYZ, ready);
  }

  /**
   * The reason why the member is not healthy; empty where it is.
   *
   * @param excludedAlarms types of alarms that do not count
   */
  CompletionStage<String> health(boolean serializable, Set<String> excludedAlarms) {
    for (String alarm : probe.alarms()) {
      if (!excludedAlarms.contains(alarm)) {
        return CompletableFuture.completedFuture(
            "ALARM " + (NAMED_ALARMS.contains(alarm) ? alarm : "UNKNOWN"));
      }
    }
    if (!serializable && !probe.hasLeader()) {
      return CompletableFuture.completedFuture("RAFT NO LEADER");
    }
    return read(serializable).thenApply(e -> e.isEmpty() ? FINE : "RANGE ERROR:" + e);
  }

  boolean has(Page page, String check) {
    return named(page).containsKey(check);
  }

  /** Runs a page's checks but for the excluded ones; names it does not know are left aside. */
  CompletionStage<Report> report(Page page, Set<String> excluded) {
    List<String> names = named(page).keySet().stream().filter(n -> !excluded.contains(n)).toList();
    return run(page, names);
  }

  CompletionStage<Report> single(Page page, String check) {
    return run(page, List.of(check));
  }

  private Map<String, Supplier<CompletionStage<String>>> named(Page page) {
    return checks.getOrDefault(page, Map.of());
  }

  private CompletionStage<Report> run(Page page, List<String> names) {
    List<CompletableFuture<String>> results = new ArrayList<>();
    for (String name : names) {
      Supplier<CompletionStage<String>> check = named(page).get(name);
      if (check != null) {
        results.add(check.get().toCompletableFuture());
      }
    }
    return CompletableFuture.allOf(results.toArray(CompletableFuture[]::new))
        .thenApply(done -> report(page, names, results));
  }

  private Report report(Page page, List<String> names, List<CompletableFuture<String>> results) {
    StringBuilder lines = new StringBuilder();
    boolean healthy = true;
    for (int i = 0; i < names.size(); i++) {
      String problem = results.get(i).join();
      boolean fine = problem.isEmpty();
      healthy &= fine;
      probe.checkRan(page.label(), names.get(i), fine);
      lines.append(fine ? "[+]" : "[-]").append(names.get(i));
      lines.append(fine ? " ok\n" : " failed: " + problem + "\n");
    }
    return new Report(healthy, lines.toString());
  }

  private String dataCorruption() {
    return probe.alarms().contains(CORRUPT) ? "alarm activated: " + CORRUPT : FINE;
  }

  private String nonLearner() {
    return probe.isLearner() ? "not supported for learner" : FINE;
  }

  private CompletionStage<String> read(boolean serializable) {
    CompletableFuture<String> problem = new CompletableFuture<>();
    try {
      probe
          .read(serializable)
          .whenComplete(
              (outcome, failure) -> {
                if (failure != null) {
                  problem.completeExceptionally(failure);
                } else {
                  problem.complete(problemOf(outcome));
                }
              });
    } catch (RuntimeException overload) {
      problem.completeExceptionally(overload);
    }
    return problem
        .orTimeout(timeout.toNanos(), TimeUnit.NANOSECONDS)
        .exceptionally(
            failure ->
                failure instanceof TimeoutException
                    ? EtcdError.TIMEOUT.text()
                    : String.valueOf(failure.getMessage()));
  }

  private static String problemOf(Outcome<?> outcome) {
    return switch (outcome) {
      case Outcome.Ok<?> ok -> FINE;
      case Outcome.Refused<?>(var error) -> error.text();
    };
  }
}
