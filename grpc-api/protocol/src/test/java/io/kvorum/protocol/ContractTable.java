package io.kvorum.protocol;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Reads a tab separated contract table from the test resources; lines that begin with # are notes.
 */
final class ContractTable {
  private ContractTable() {}

  /** Rows of {@code contract/name}, each padded to {@code columns} cells. */
  static List<String[]> rows(String name, int columns) {
    try (InputStream in = ContractTable.class.getResourceAsStream("/contract/" + name)) {
      if (in == null) {
        throw new IllegalStateException("no such contract table: " + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.isBlank() && !line.startsWith("#"))
          .map(line -> java.util.Arrays.copyOf(line.split("\t", -1), columns))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
