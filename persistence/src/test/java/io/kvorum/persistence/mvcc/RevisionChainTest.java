package io.kvorum.persistence.mvcc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import java.util.HashSet;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RevisionChainTest {

  /** The hash at revision r is 3r: easy to tell apart. */
  private static RevisionChain chain(long first, long newest) {
    RevisionChain chain = new RevisionChain(new RevisionChain.Head(first, 1, first, 3 * first));
    long[] hashes = new long[1000];
    for (long revision = first; revision < newest; ) {
      int count = (int) Math.min(hashes.length, newest - revision);
      for (int i = 0; i < count; i++) {
        hashes[i] = 3 * ++revision;
      }
      chain.append(revision, hashes, count);
    }
    return chain;
  }

  @Test
  void knowsEachOfTheNewestAndFewerOfThoseBefore() {
    long newest = 3_000_000;
    RevisionChain chain = chain(500, newest);
    assertEquals(new RevisionChain.Head(newest, 1, newest, 3 * newest), chain.head());
    assertEquals(OptionalLong.of(0), chain.at(1), "the origin is always known");
    int known = 0;
    for (long revision = 2; revision <= newest + 300_000; revision++) {
      OptionalLong hash = chain.at(revision);
      if (hash.isPresent()) {
        known++;
        assertEquals(3 * revision, hash.getAsLong());
      } else {
        assertTrue(revision <= newest - RevisionChain.RECENT || revision > newest);
      }
    }
    // The recent ones, one in 256 of the million before them, one in 65536 of the rest.
    assertEquals(65_536 + (4096 - 256) + (45 - 16), known);
  }

  @Test
  void knowsNothingFromBeforeItsBeginning() {
    RevisionChain chain = chain(500, 700);
    assertEquals(OptionalLong.of(0), chain.at(1));
    assertEquals(OptionalLong.empty(), chain.at(2));
    assertEquals(OptionalLong.empty(), chain.at(256));
    assertEquals(OptionalLong.empty(), chain.at(499));
    assertEquals(OptionalLong.of(1500), chain.at(500));
    assertEquals(OptionalLong.of(2100), chain.at(700));
    assertEquals(OptionalLong.empty(), chain.at(701));
  }

  @Test
  void findsTheFirstOfManyInFewSteps() {
    long newest = 1_000_000;
    RevisionChain chain = chain(1, newest);
    for (long bad : new long[] {2, 256, 257, 900_000, 934_464, 934_465, 999_999, newest}) {
      long good = 1;
      long different = newest;
      int steps = 0;
      for (long[] asked = chain.between(good, different, 64);
          asked.length > 0;
          asked = chain.between(good, different, 64)) {
        for (long revision : asked) {
          assertTrue(revision > 1 && revision < newest && chain.at(revision).isPresent());
          if (revision < bad) {
            good = Math.max(good, revision);
          } else {
            different = Math.min(different, revision);
          }
        }
        steps++;
      }
      assertTrue(steps <= 6, steps + " steps");
      assertTrue(good < bad && bad <= different);
      assertTrue(
          bad <= newest - RevisionChain.RECENT + 1
              ? different - good <= 256
              : different - good == 1,
          bad + " is found between " + good + " and " + different);
    }
  }

  @Test
  void nothingIsKnownBetweenNeighbours() {
    RevisionChain chain = chain(1, 10);
    assertArrayEquals(new long[0], chain.between(4, 5, 64));
    assertArrayEquals(new long[] {5, 6}, chain.between(4, 7, 64));
  }

  /** Each thing that a revision does counts, and so does their order. */
  @Test
  void everyPartOfARevisionCounts() {
    Set<Long> seen = new HashSet<>();
    byte[] one = {1, 2, 3};
    byte[] other = {1, 2, 4};
    add(seen, d -> d.put(one, 0, 0));
    add(seen, d -> d.put(other, 0, 0));
    add(seen, d -> d.put(one, 5, 0));
    add(seen, d -> d.put(one, 0, 5));
    add(seen, d -> delete(d, one, 2, 3, 4, 5, "v"));
    add(seen, d -> delete(d, other, 2, 3, 4, 5, "v"));
    add(seen, d -> delete(d, one, 1, 3, 4, 5, "v"));
    add(seen, d -> delete(d, one, 2, 2, 4, 5, "v"));
    add(seen, d -> delete(d, one, 2, 3, 3, 5, "v"));
    add(seen, d -> delete(d, one, 2, 3, 4, 6, "v"));
    add(seen, d -> delete(d, one, 2, 3, 4, 5, "w"));
    add(
        seen,
        d -> {
          d.put(one, 0, 0);
          d.put(other, 0, 0);
        });
    add(
        seen,
        d -> {
          d.put(other, 0, 0);
          d.put(one, 0, 0);
        });
    RevisionDigest digest = new RevisionDigest();
    for (long[] end : new long[][] {{2, 1, 1}, {1, 2, 1}, {1, 1, 2}, {1, 1, -1}}) {
      digest.put(one, 0, 0);
      assertTrue(seen.add(digest.finish(end[0], end[1], end[2])));
    }
    assertEquals(17, seen.size());
  }

  @Test
  void aDigestBeginsAnew() {
    RevisionDigest used = new RevisionDigest();
    used.put(new byte[] {9}, 1, 1);
    long first = used.finish(1, 1, 1);
    used.put(new byte[] {1}, 0, 0);
    RevisionDigest fresh = new RevisionDigest();
    fresh.put(new byte[] {1}, 0, 0);
    long second = fresh.finish(2, 2, -1);
    assertEquals(second, used.finish(2, 2, -1));
    assertNotEquals(first, second);
  }

  private static void delete(
      RevisionDigest digest,
      byte[] tombstone,
      long created,
      long modified,
      long version,
      long lease,
      String value) {
    digest.delete(tombstone, created, modified, version, lease, ByteString.copyFromUtf8(value));
  }

  private static void add(Set<Long> seen, java.util.function.Consumer<RevisionDigest> revision) {
    RevisionDigest digest = new RevisionDigest();
    revision.accept(digest);
    assertTrue(seen.add(digest.finish(1, 1, 1)), "equal to another");
  }
}
