package io.kvorum.verification.conformance.crash;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.KeyValue;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * What clients were told, and what they only asked for. Every value is written once, so it names
 * its write.
 */
final class Ledger {
  private final Map<Long, List<Entry>> acknowledged = new ConcurrentHashMap<>();
  private final Set<ByteString> asked = ConcurrentHashMap.newKeySet();
  private final Map<Long, Entry> readBack = new ConcurrentHashMap<>();
  private final LongAdder acknowledgements = new LongAdder();
  private History known = new History(1, new TreeMap<>());

  record Entry(ByteString key, ByteString value) {
    static Entry of(KeyValue kv) {
      return new Entry(kv.getKey(), kv.getValue());
    }
  }

  void asking(List<Entry> write) {
    for (var entry : write) asked.add(entry.value());
  }

  void acknowledged(long revision, List<Entry> write) {
    var other = acknowledged.putIfAbsent(revision, write);
    if (other != null)
      throw new AssertionError(
          "revision " + revision + " was given to " + other + " and to " + write);
    acknowledgements.increment();
  }

  /**
   * A linearizable read showed this record: it was committed, whether or not its writer was told.
   */
  void seen(KeyValue kv) {
    readBack.put(kv.getModRevision(), Entry.of(kv));
  }

  long acknowledgements() {
    return acknowledgements.sum();
  }

  /** Every acknowledged write, by revision. */
  Map<Long, List<Entry>> writes() {
    return acknowledged;
  }

  /**
   * Holds a history against everything that was ever told.
   *
   * @throws AssertionError naming the first contradiction
   */
  void check(History history) {
    if (history.current() < known.current())
      throw new AssertionError(
          "revision went back from " + known.current() + " to " + history.current());
    checkGapless(history);
    known.revisions().forEach((revision, records) -> checkUnchanged(revision, records, history));
    acknowledged.forEach((revision, write) -> checkPresent(revision, write, history));
    readBack.forEach((revision, entry) -> checkRead(revision, entry, history));
    checkNothingInvented(history);
    known = history;
  }

  private static void checkGapless(History history) {
    for (long revision = 2; revision <= history.current(); revision++)
      if (!history.revisions().containsKey(revision))
        throw new AssertionError("nothing was changed at revision " + revision);
  }

  private static void checkUnchanged(long revision, List<KeyValue> records, History history) {
    if (!records.equals(history.revisions().get(revision)))
      throw new AssertionError(
          "revision %d was %s and is now %s"
              .formatted(revision, records, history.revisions().get(revision)));
  }

  private static void checkPresent(long revision, List<Entry> write, History history) {
    var records = history.revisions().getOrDefault(revision, List.of());
    if (!records.stream().map(Entry::of).toList().equals(write))
      throw new AssertionError(
          "acknowledged at revision %d: %s; found there: %s".formatted(revision, write, records));
  }

  private static void checkRead(long revision, Entry entry, History history) {
    var records = history.revisions().getOrDefault(revision, List.of());
    if (records.stream().map(Entry::of).noneMatch(entry::equals))
      throw new AssertionError(
          "read before the crash, gone after it: " + entry + " at " + revision);
  }

  private void checkNothingInvented(History history) {
    var first = new HashMap<ByteString, Long>();
    history
        .revisions()
        .forEach(
            (revision, records) -> {
              for (var record : records) {
                if (!asked.contains(record.getValue()))
                  throw new AssertionError("nobody wrote " + record);
                var before = first.putIfAbsent(record.getValue(), revision);
                if (before != null)
                  throw new AssertionError("applied at " + before + " and again: " + record);
              }
            });
  }
}
