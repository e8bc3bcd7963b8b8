package io.kvorum.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** The one table of errors says, text for text and code for code, what etcd puts on the wire. */
class EtcdErrorTest {
  private static final int MESSAGE = 3;
  private static final int WIRE_CODE = 5;
  private static final int WIRE_CODE_NUMBER = 6;

  /** Rows of etcd's own table of statuses, by text. */
  private static TreeMap<String, String[]> statusRows() {
    TreeMap<String, String[]> rows = new TreeMap<>();
    for (String[] row : ContractTable.rows("errors.tsv", 11)) {
      if (row[0].startsWith("ErrGRPC")) {
        rows.put(row[MESSAGE], row);
      }
    }
    return rows;
  }

  @Test
  void everyStatusOfTheTableIsKnownWithItsWireCode() {
    TreeMap<String, String> expected = new TreeMap<>();
    statusRows().forEach((text, row) -> expected.put(text, row[WIRE_CODE]));
    TreeMap<String, String> known = new TreeMap<>();
    for (EtcdError error : EtcdError.values()) {
      if (expected.containsKey(error.text())) {
        known.put(error.text(), goName(error.code()));
      }
    }
    assertEquals(expected, known);
  }

  @Test
  void wireCodeNumbersAreThoseOfGrpc() {
    TreeMap<String, String[]> rows = statusRows();
    for (EtcdError error : EtcdError.values()) {
      String[] row = rows.get(error.text());
      if (row != null) {
        assertEquals(row[WIRE_CODE_NUMBER], Integer.toString(error.code().value()), error.name());
      }
    }
  }

  @Test
  void everyOtherErrorIsATextThatLeavesTheServerAsUnknown() {
    Set<String> statuses = statusRows().keySet();
    Set<String> rawTexts = new HashSet<>();
    for (String[] row : ContractTable.rows("errors.tsv", 11)) {
      if (row[WIRE_CODE].equals("Unknown")) {
        rawTexts.add(row[MESSAGE]);
      }
    }
    for (EtcdError error : EtcdError.values()) {
      if (!statuses.contains(error.text()) && !isOurs(error)) {
        assertTrue(rawTexts.contains(error.text()), error.name() + " is not in etcd's table");
        assertEquals(Status.Code.UNKNOWN, error.code(), error.name());
      }
    }
  }

  /** What etcd has no error for says by its text who speaks. */
  private static boolean isOurs(EtcdError error) {
    return error.text().startsWith("kvorum: ");
  }

  @Test
  void textsAreUnique() {
    List<String> texts = Arrays.stream(EtcdError.values()).map(EtcdError::text).toList();
    assertEquals(texts.size(), new HashSet<>(texts).size());
  }

  @Test
  void statusCarriesCodeAndText() {
    Status status = EtcdError.COMPACTED.status();
    assertEquals(Status.Code.OUT_OF_RANGE, status.getCode());
    assertEquals("etcdserver: mvcc: required revision has been compacted", status.getDescription());
  }

  /**
   * {@code INVALID_ARGUMENT} in Go's spelling, {@code InvalidArgument}; Go has one l in Canceled.
   */
  private static String goName(Status.Code code) {
    if (code == Status.Code.CANCELLED) {
      return "Canceled";
    }
    StringBuilder name = new StringBuilder();
    for (String word : code.name().split("_", -1)) {
      name.append(word.charAt(0)).append(word.substring(1).toLowerCase(java.util.Locale.ROOT));
    }
    return name.toString();
  }
}
