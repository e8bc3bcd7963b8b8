package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import java.util.zip.Checksum;

/**
 * What one revision does to the keyspace, as 64 bits: the records that it writes, what its writer
 * knew of the records that they replace, the log entry that it comes of and the compaction it was
 * made under. Nothing of it depends on how entries were cut into batches, on what a member
 * remembers, or on how far it has removed what is compacted.
 *
 * <p>The bytes of a record go through two CRCs, CRC-32 and CRC-32C, for which the JDK has
 * instructions of the processor; together they are one of 64 bits. Everything else is laid over
 * that by a mixing function, one number after the other. It is made against faults, not against
 * somebody who looks for equal digests.
 */
public final class RevisionDigest {
  /**
   * Which digest this is. To be raised with any change of what it is made of: members of different
   * versions then compare nothing, and a stored chain of another form is not continued.
   */
  public static final int FORM = 1;

  /**
   * SplittableRandom's increment and finalizer (Steele, Lea, Flood 2014; Stafford's variant 13).
   */
  private static final long INCREMENT = 0x9e37_79b9_7f4a_7c15L;

  private static final long FIRST_FACTOR = 0xbf58_476d_1ce4_e5b9L;
  private static final long SECOND_FACTOR = 0x94d0_49bb_1331_11ebL;

  private final CRC32 crc32 = new CRC32();
  private final CRC32C crc32c = new CRC32C();
  private long digest;

  /**
   * A record is written.
   *
   * @param record as it is stored
   * @param replacedRevision modification revision of the record that it replaces, 0 if there is
   *     none
   * @param replacedLease that record's lease
   */
  public void put(byte[] record, long replacedRevision, long replacedLease) {
    add(bits(record));
    add(replacedRevision);
    add(replacedLease);
  }

  /**
   * A key ends.
   *
   * @param tombstone as it is stored
   */
  public void delete(
      byte[] tombstone,
      long replacedCreateRevision,
      long replacedRevision,
      long replacedVersion,
      long replacedLease,
      ByteString replacedValue) {
    // No put begins with this: it sets the two apart.
    add(~bits(tombstone));
    add(replacedCreateRevision);
    add(replacedRevision);
    add(replacedVersion);
    add(replacedLease);
    add(bits(replacedValue.toByteArray()));
  }

  /**
   * The revision is complete; the next one may begin.
   *
   * @param index of the log entry that made it
   * @param compactedRevision in force when it was made
   */
  public long finish(long revision, long index, long compactedRevision) {
    add(revision);
    add(index);
    add(compactedRevision);
    long finished = digest;
    digest = 0;
    return finished;
  }

  private long bits(byte[] bytes) {
    return of(crc32, bytes) << 32 | of(crc32c, bytes);
  }

  private static long of(Checksum checksum, byte[] bytes) {
    checksum.reset();
    checksum.update(bytes, 0, bytes.length);
    return checksum.getValue();
  }

  private void add(long number) {
    long mixed = (digest ^ number) + INCREMENT;
    mixed = (mixed ^ (mixed >>> 30)) * FIRST_FACTOR;
    mixed = (mixed ^ (mixed >>> 27)) * SECOND_FACTOR;
    digest = mixed ^ (mixed >>> 31);
  }
}
