package io.kvorum.verification.conformance.crash;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.KeyValue;
import io.kvorum.verification.conformance.crash.Ledger.Entry;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The crash test is worth what this notices. */
class LedgerTest {
  private final Ledger ledger = new Ledger();
  private final TreeMap<Long, List<KeyValue>> revisions = new TreeMap<>();

  @BeforeEach
  void twoWritesOfWhichOneWasAcknowledged() {
    ledger.asking(List.of(entry("a", "1")));
    ledger.acknowledged(2, List.of(entry("a", "1")));
    ledger.asking(List.of(entry("b", "2"), entry("c", "3")));
    change(2, "a", "1");
  }

  @Test
  void acceptsADoubtfulWriteThatIsThereOrIsNot() {
    ledger.check(new History(2, revisions));
    change(3, "b", "2");
    change(3, "c", "3");
    ledger.check(new History(3, revisions));
  }

  @Test
  void noticesALostWrite() {
    revisions.clear();
    broken(1, "revision 2");
  }

  @Test
  void noticesAnotherValue() {
    ledger.asking(List.of(entry("a", "other")));
    revisions.clear();
    change(2, "a", "other");
    broken(2, "acknowledged at revision 2");
  }

  @Test
  void noticesARevisionGivenTwice() {
    var twice =
        assertThrows(AssertionError.class, () -> ledger.acknowledged(2, List.of(entry("x", "y"))));
    assertTrue(String.valueOf(twice.getMessage()).contains("revision 2"));
  }

  @Test
  void noticesHalfATransaction() {
    ledger.acknowledged(3, List.of(entry("b", "2"), entry("c", "3")));
    change(3, "b", "2");
    broken(3, "acknowledged at revision 3");
  }

  @Test
  void noticesAWriteAppliedTwice() {
    change(3, "a", "1");
    broken(3, "and again");
  }

  @Test
  void noticesAnInventedWrite() {
    change(3, "z", "nobody");
    broken(3, "nobody wrote");
  }

  @Test
  void noticesAGap() {
    change(4, "b", "2");
    broken(4, "revision 3");
  }

  @Test
  void noticesAHistoryThatChanged() {
    change(3, "b", "2");
    ledger.check(new History(3, new TreeMap<>(revisions)));
    revisions.remove(3L);
    change(3, "c", "3");
    broken(3, "revision 3 was");
  }

  @Test
  void noticesThatWhatWasReadIsGone() {
    ledger.seen(record(3, "b", "2"));
    change(3, "c", "3");
    broken(3, "read before the crash");
  }

  private void broken(long current, String what) {
    var failure =
        assertThrows(AssertionError.class, () -> ledger.check(new History(current, revisions)));
    assertTrue(String.valueOf(failure.getMessage()).contains(what), failure::toString);
  }

  private void change(long revision, String key, String value) {
    revisions.computeIfAbsent(revision, r -> new ArrayList<>()).add(record(revision, key, value));
  }

  private static KeyValue record(long revision, String key, String value) {
    return KeyValue.newBuilder()
        .setKey(ByteString.copyFromUtf8(key))
        .setValue(ByteString.copyFromUtf8(value))
        .setModRevision(revision)
        .build();
  }

  private static Entry entry(String key, String value) {
    return new Entry(ByteString.copyFromUtf8(key), ByteString.copyFromUtf8(value));
  }
}
