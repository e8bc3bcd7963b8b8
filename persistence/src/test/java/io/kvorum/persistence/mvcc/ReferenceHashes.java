package io.kvorum.persistence.mvcc;

import io.kvorum.protocol.mvccpb.Event;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.zip.CRC32C;

/**
 * What etcd would answer to HashKV, from the whole history, as its rules say it: an index of
 * generations, the revisions that it keeps, and one walk over all records that are left.
 */
final class ReferenceHashes {

  private record Entry(long main, long sub, boolean tombstone, String key, byte[] record) {
    String name() {
      return main + "_" + sub;
    }
  }

  private final List<Entry> records = new ArrayList<>();
  private long compacted = -1;

  void add(List<RevisionEvents> revisions) {
    for (RevisionEvents revision : revisions) {
      long sub = 0;
      for (Event event : revision.events()) {
        KeyValue kv = event.getKv();
        boolean tombstone = event.getType() == Event.EventType.DELETE;
        records.add(
            new Entry(
                revision.revision(),
                sub++,
                tombstone,
                kv.getKey().toStringUtf8(),
                tombstone ? RecordCodec.encodeTombstone(kv.getKey()) : RecordCodec.encode(kv)));
      }
    }
  }

  /** Compacts, and returns what is to be remembered. */
  KeyValueHash compact(long revision) {
    Set<String> keep = keep(revision, true);
    KeyValueHash hash = hash(compacted, revision, keep);
    records.removeIf(entry -> entry.main <= revision && !keep.contains(entry.name()));
    compacted = revision;
    return hash;
  }

  KeyValueHash hash(long revision) {
    return hash(compacted, revision, keep(revision, false));
  }

  private KeyValueHash hash(long lower, long upper, Set<String> keep) {
    CRC32C crc = new CRC32C();
    crc.update(new byte[] {'k', 'e', 'y'});
    Predicate<Entry> skipped =
        entry ->
            entry.main > upper
                || (entry.main <= lower && !keep.isEmpty() && !keep.contains(entry.name()))
                || (entry.main == lower && entry.tombstone);
    for (Entry entry : records) {
      if (!skipped.test(entry)) {
        byte[] key = new byte[entry.tombstone ? 18 : 17];
        KeyEncoding.putRevision(key, 0, entry.main, entry.sub, entry.tombstone);
        crc.update(key);
        crc.update(entry.record);
      }
    }
    return new KeyValueHash((int) crc.getValue(), upper, lower);
  }

  private Set<String> keep(long at, boolean tombstones) {
    Map<String, List<List<Entry>>> index = new HashMap<>();
    for (Entry entry : records) {
      List<List<Entry>> generations =
          index.computeIfAbsent(entry.key, k -> new ArrayList<>(List.of(new ArrayList<Entry>())));
      generations.getLast().add(entry);
      if (entry.tombstone) {
        generations.add(new ArrayList<>());
      }
    }
    Set<String> keep = new HashSet<>();
    for (List<List<Entry>> generations : index.values()) {
      int chosen = 0;
      while (chosen < generations.size() - 1 && generations.get(chosen).getLast().main < at) {
        chosen++;
      }
      generations.get(chosen).reversed().stream()
          .filter(entry -> entry.main <= at)
          .findFirst()
          .filter(entry -> tombstones || !entry.tombstone)
          .ifPresent(entry -> keep.add(entry.name()));
    }
    return keep;
  }
}
