package io.kvorum.actors.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LeaseTableTest {
  private static final String SEED = "kvorum.lease.seed";

  private record Plain(long ttl, long deadline) {}

  /** Beside a map, in which the earliest deadline is searched for. */
  @Test
  void sameAsAMap() {
    long seed = Long.getLong(SEED, System.nanoTime());
    Random random = new Random(seed);
    LeaseTable table = new LeaseTable();
    Map<Long, Plain> plain = new HashMap<>();
    for (int step = 0; step < 60_000; step++) {
      // Few ids, some of which fall into one bucket, and a table that grows and empties again.
      long id = (random.nextInt(step < 30_000 ? 1500 : 200) - 100) * (1L << 33);
      switch (random.nextInt(4)) {
        case 0 -> {
          long ttl = random.nextInt(1000);
          table.put(id, ttl, 0, step);
          plain.put(id, new Plain(ttl, LeaseTable.NEVER));
        }
        case 1 -> {
          int slot = table.find(id);
          if (slot != LeaseTable.NONE) {
            table.remove(slot);
          }
          plain.remove(id);
        }
        default -> {
          int slot = table.find(id);
          if (slot != LeaseTable.NONE) {
            long deadline = random.nextInt(9) == 0 ? LeaseTable.NEVER : random.nextInt(5000);
            table.deadline(slot, deadline);
            plain.computeIfPresent(id, (i, lease) -> new Plain(lease.ttl(), deadline));
          }
        }
      }
      same(plain, table, id, "step " + step + "; replay with -D" + SEED + "=" + seed);
    }
    List<Long> ids = new ArrayList<>();
    table.forEachSlot(slot -> ids.add(table.id(slot)));
    assertEquals(plain.keySet().stream().sorted().toList(), ids.stream().sorted().toList());
  }

  private static void same(Map<Long, Plain> plain, LeaseTable table, long id, String where) {
    assertEquals(plain.size(), table.size(), where);
    int slot = table.find(id);
    assertEquals(plain.containsKey(id), slot != LeaseTable.NONE, where);
    Plain lease = plain.get(id);
    if (lease != null) {
      assertEquals(lease.ttl(), table.ttlSeconds(slot), where);
    }
    if (where.hashCode() % 16 == 0) {
      long first =
          plain.values().stream().mapToLong(Plain::deadline).min().orElse(LeaseTable.NEVER);
      assertEquals(first, table.firstDeadline(), where);
    }
  }
}
