package io.kvorum.config;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Holds {@link Flags} to the table of all flags of etcd 3.7.1. */
class FlagTableTest {

  record Row(String name, String environment, String defaultText, String type, String fileKey) {}

  static List<Row> rows() throws IOException {
    List<Row> rows = new ArrayList<>();
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(
                Objects.requireNonNull(
                    FlagTableTest.class.getResourceAsStream("/contract/flags.tsv")),
                StandardCharsets.UTF_8))) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        if (!line.isBlank() && !line.startsWith("#")) {
          String[] cells = line.split("\t", -1);
          rows.add(new Row(cells[0].replace(" (-h)", ""), cells[1], cells[2], cells[3], cells[7]));
        }
      }
    }
    return rows;
  }

  @ParameterizedTest
  @MethodSource("rows")
  void knowsTheFlagAsEtcdHasIt(Row row) {
    Flag flag = Flags.byName(row.name());
    assertNotNull(flag, row.name());
    assertAll(
        row.name(),
        () -> assertEquals(environment(row), flag.environment(), "variable"),
        () -> assertEquals(row.defaultText(), defaultText(flag), "default"),
        () -> assertEquals(row.type(), flag.typeLabel(), "type"),
        () -> assertEquals(fileKey(row), flag.fileKey(), "key in a file"));
  }

  @Test
  void knowsNoOtherFlags() throws IOException {
    Set<String> names = new TreeSet<>();
    rows().forEach(row -> names.add(row.name()));
    assertEquals(names, new TreeSet<>(Flags.names()));
  }

  @ParameterizedTest
  @MethodSource("rows")
  void readsItsOwnDefault(Row row) {
    Flag flag = Objects.requireNonNull(Flags.byName(row.name()));
    assertEquals(Parsed.Value.class, flag.type().read(flag.defaultText()).getClass());
  }

  private static @Nullable String environment(Row row) {
    return row.environment().equals("-") ? null : row.environment();
  }

  private static @Nullable String fileKey(Row row) {
    boolean none = row.fileKey().equals("-") || row.fileKey().equals("(none)");
    return none ? null : row.fileKey();
  }

  /** The table's notation of a default: what an empty one means, and what a zero stands for. */
  private static String defaultText(Flag flag) {
    if (flag.equals(MemberFlags.DATA_DIR)) {
      return "${name}.etcd";
    }
    if (flag.equals(MemberFlags.HELP) || flag.support() == Support.IGNORED_LEGACY) {
      return "-";
    }
    String text = flag.defaultText().isEmpty() ? "(empty)" : flag.defaultText();
    return flag.effectiveDefault() == null
        ? text
        : text + " (effective " + flag.effectiveDefault() + ")";
  }
}
