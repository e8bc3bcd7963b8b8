package io.kvorum.persistence.leveldb;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The table files that count, as the manifest tells; checks of them. */
final class LiveTables {
  private LiveTables() {}

  /** The first damage found in the tables of a database that is not open; null if all are good. */
  static TableFile.@Nullable Damage check(
      Path directory, Manifest manifest, TableFile.Extent extent) {
    for (Manifest.Table table : manifest.tables().values()) {
      TableFile.Damage damage = check(directory, table, extent);
      if (damage != null) {
        return damage;
      }
    }
    return null;
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
