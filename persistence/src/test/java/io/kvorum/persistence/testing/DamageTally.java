package io.kvorum.persistence.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * What became of all the damage of a test, by kind of file; closing writes it to {@code
 * target/damage}.
 */
public final class DamageTally implements AutoCloseable {

  /** What may become of damage. */
  public enum Outcome {
    /** Opening was refused, and the file named. */
    REFUSED,
    /** Met by a read, which failed, and the file named. */
    MET,
    /** All answers were right: nothing is lost, or only what may be. */
    RIGHT
  }

  private final String test;
  private final Map<String, Map<Outcome, Integer>> counts = new TreeMap<>();

  /**
   * @param test names the file
   */
  public DamageTally(String test) {
    this.test = test;
  }

  public void count(DiskDamage.Done done, Outcome outcome) {
    counts
        .computeIfAbsent(done.kind(), kind -> new EnumMap<>(Outcome.class))
        .merge(outcome, 1, Integer::sum);
  }

  @Override
  public String toString() {
    StringBuilder text =
        new StringBuilder(
            "%s, %d seeds from %d%n".formatted(test, DiskDamage.SEEDS, DiskDamage.FIRST_SEED));
    counts.forEach((kind, outcomes) -> text.append("%-22s %s%n".formatted(kind, outcomes)));
    return text.toString();
  }

  @Override
  public void close() {
    try {
      Path directory = Files.createDirectories(Path.of("target", "damage"));
      Files.writeString(directory.resolve(test + "-" + DiskDamage.FIRST_SEED + ".txt"), toString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
