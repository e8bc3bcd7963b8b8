package io.kvorum.persistence.leveldb;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** The table files that count, as the manifest tells; checks of them. */
final class LiveTables {

  /**
   * So many files are looked at at once: what takes time with a large store is waiting for the
   * disk, twice for each table, for its footer and its index.
   */
  private static final int MAX_CHECKERS = 16;

  /** Fewer are not worth a thread of their own. */
  private static final int TABLES_PER_CHECKER = 8;

  private LiveTables() {}

  /**
   * Damage found in the tables of a database that is not open, or null after all have been looked
   * at and are good.
   */
  static TableFile.@Nullable Damage check(
      Path directory, Manifest manifest, TableFile.Extent extent) throws IOException {
    List<Manifest.Table> tables = List.copyOf(manifest.tables().values());
    AtomicInteger next = new AtomicInteger();
    int checkers = Math.min(MAX_CHECKERS, tables.size() / TABLES_PER_CHECKER);
    if (checkers <= 1) {
      return check(directory, tables, next, extent).orElse(null);
    }
    try (ExecutorService threads =
        Executors.newFixedThreadPool(
            checkers, Thread.ofPlatform().daemon().name("kvorum-table-check-", 0).factory())) {
      List<Future<Optional<TableFile.Damage>>> checks = new ArrayList<>();
      for (int i = 0; i < checkers; i++) {
        checks.add(threads.submit(() -> check(directory, tables, next, extent)));
      }
      for (Future<Optional<TableFile.Damage>> check : checks) {
        Optional<TableFile.Damage> damage = resultOf(check);
        if (damage.isPresent()) {
          return damage.get();
        }
      }
      return null;
    }
  }

  /** One table behind the other, each that nobody else has taken. */
  private static Optional<TableFile.Damage> check(
      Path directory, List<Manifest.Table> tables, AtomicInteger next, TableFile.Extent extent) {
    for (int i = next.getAndIncrement(); i < tables.size(); i = next.getAndIncrement()) {
      TableFile.Damage damage = check(directory, tables.get(i), extent);
      if (damage != null) {
        // The others need not go on.
        next.set(tables.size());
        return Optional.of(damage);
      }
    }
    return Optional.empty();
  }

  private static <T> T resultOf(Future<T> future) throws IOException {
    try {
      return future.get();
    } catch (ExecutionException e) {
      throw new IOException("the tables cannot be checked: " + e.getCause(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while the tables were checked");
    }
  }

  static TableFile.@Nullable Damage check(
      Path directory, Manifest.Table table, TableFile.Extent extent) {
    return TableFile.check(TableFile.path(directory, table.number()), table.size(), extent);
  }

  /**
   * The first damage found in a database that may be open: a table that is gone may have been
   * replaced meanwhile, and is looked for again in the manifest.
   *
   * @param first a key that the damage is near, if that is known: tables that may hold it, or what
   *     follows it, are looked at before the others
   */
  static TableFile.@Nullable Damage checkRunning(Path directory, byte @Nullable [] first)
      throws IOException {
    Manifest manifest = Manifest.ofRunning(directory);
    if (manifest == null) {
      return null;
    }
    for (Manifest.Table table : inOrder(manifest, first)) {
      TableFile.Damage damage = check(directory, table, TableFile.Extent.EVERYTHING);
      if (damage != null && (Files.exists(damage.file()) || counts(directory, table))) {
        return damage;
      }
    }
    return null;
  }

  /** Whether a table counts now. */
  static boolean counts(Path directory, Manifest.Table table) throws IOException {
    Manifest now = Manifest.ofRunning(directory);
    return now != null && now.tables().containsKey(table.number());
  }

  private static List<Manifest.Table> inOrder(Manifest manifest, byte @Nullable [] first) {
    if (first == null) {
      return List.copyOf(manifest.tables().values());
    }
    return manifest.tables().values().stream()
        .sorted(
            Comparator.comparing(
                    (Manifest.Table table) -> Arrays.compareUnsigned(table.largest(), first) < 0)
                .thenComparing(Manifest.Table::smallest, Arrays::compareUnsigned))
        .toList();
  }
}
