package io.kvorum.persistence.mvcc;

import static io.kvorum.persistence.mvcc.KeyEncoding.REVISION_BYTES;
import static io.kvorum.persistence.mvcc.KeyEncoding.TERMINATOR_BYTES;
import static io.kvorum.persistence.mvcc.KeyEncoding.TOMBSTONE_REVISION_BYTES;
import static io.kvorum.persistence.mvcc.KeyEncoding.getLong;
import static io.kvorum.persistence.mvcc.KeyEncoding.putLong;

import io.kvorum.protocol.GroupId;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.Checksum;

/**
 * Keys of all rows of one group. Each begins with the group id (4 bytes, big endian) and a letter
 * for the table:
 *
 * <table>
 * <caption>Tables</caption>
 * <tr><th>table</th><th>key</th><th>value</th><th>serves</th></tr>
 * <tr><td>current</td><td>user key as it is</td><td>newest record of a live key, see {@link CurrentRow}</td>
 * <td>ranges at the newest revision</td></tr>
 * <tr><td>versions</td><td>user key escaped, revision descending, put or tombstone</td><td>bytes that the record takes</td>
 * <td>older revisions, compaction</td></tr>
 * <tr><td>revisions</td><td>revision as etcd stores it</td><td>record as etcd stores it</td>
 * <td>history, records at older revisions, hashes</td></tr>
 * <tr><td>leases</td><td>id</td><td>see {@link StoredLease}</td><td>leases</td></tr>
 * <tr><td>attachments</td><td>id of a lease, user key as it is</td><td>empty</td>
 * <td>revoking, listing the keys of a lease</td></tr>
 * <tr><td>state</td><td>name</td><td>position, revision, accounts</td><td>opening</td></tr>
 * <tr><td>meta</td><td>name</td><td>whatever the owner of the group keeps here</td><td>that owner</td></tr>
 * </table>
 *
 * Why a record stands in two tables: docs/decisions/0003-keyspace-tables.md.
 */
final class Tables {

  private static final int GROUP_BYTES = 4;

  private static final int PREFIX_BYTES = GROUP_BYTES + 1;

  /** What follows the user key in a row of versions: main, sub, kind. */
  private static final int SUFFIX_BYTES = 8 + 8 + 1;

  private static final byte ATTACHMENTS = 'a';
  private static final byte CURRENT = 'c';
  private static final byte LEASES = 'l';
  private static final byte META = 'm';
  private static final byte REVISIONS = 'r';
  private static final byte STATE = 's';
  private static final byte VERSIONS = 'v';

  private static final byte PUT = 'p';
  private static final byte TOMBSTONE = 't';

  private final int group;

  Tables(GroupId group) {
    this.group = group.value();
  }

  GroupId group() {
    return new GroupId(group);
  }

  /** Stands before every row of the group. */
  byte[] groupFrom() {
    return Arrays.copyOf(row(CURRENT, 0), GROUP_BYTES);
  }

  /** Stands behind every row of the group. */
  byte[] groupEnd() {
    return row((byte) 0xff, 0);
  }

  /** Whether a row belongs to the group. */
  boolean isOfGroup(byte[] row) {
    return row.length >= PREFIX_BYTES
        && row[0] == (byte) (group >>> 24)
        && row[1] == (byte) (group >>> 16)
        && row[2] == (byte) (group >>> 8)
        && row[3] == (byte) group;
  }

  byte[] current(byte[] key) {
    byte[] row = row(CURRENT, key.length);
    System.arraycopy(key, 0, row, PREFIX_BYTES, key.length);
    return row;
  }

  byte[] currentEnd() {
    return row((byte) (CURRENT + 1), 0);
  }

  static byte[] userKeyOfCurrent(byte[] row) {
    return Arrays.copyOfRange(row, PREFIX_BYTES, row.length);
  }

  byte[] version(byte[] key, long main, long sub, boolean tombstone) {
    byte[] row = versionsOf(key, SUFFIX_BYTES);
    int at = row.length - SUFFIX_BYTES;
    putLong(row, at, ~main);
    putLong(row, at + 8, ~sub);
    row[at + 16] = tombstone ? TOMBSTONE : PUT;
    return row;
  }

  /**
   * Stands right before the newest version of {@code key} whose main revision is not above {@code
   * main}.
   */
  byte[] versionsOf(byte[] key, long main) {
    byte[] row = versionsOf(key, Long.BYTES);
    putLong(row, row.length - Long.BYTES, ~main);
    return row;
  }

  private byte[] versionsOf(byte[] key, int suffixBytes) {
    byte[] row = row(VERSIONS, KeyEncoding.escapedBytes(key) + TERMINATOR_BYTES + suffixBytes);
    KeyEncoding.putTerminator(row, KeyEncoding.putEscaped(key, row, PREFIX_BYTES));
    return row;
  }

  /**
   * Whether a row of versions belongs to the key that {@link #versionsOf(byte[], long)} was made
   * for.
   */
  static boolean isVersionOf(byte[] version, byte[] versionsOf) {
    int keyBytes = versionsOf.length - Long.BYTES;
    return version.length == keyBytes + SUFFIX_BYTES
        && Arrays.equals(version, 0, keyBytes, versionsOf, 0, keyBytes);
  }

  /** Stands before every version of {@code key} and of all keys behind it. */
  byte[] versionsFrom(byte[] key) {
    byte[] row = row(VERSIONS, KeyEncoding.escapedBytes(key));
    KeyEncoding.putEscaped(key, row, PREFIX_BYTES);
    return row;
  }

  byte[] versionsEnd() {
    return row((byte) (VERSIONS + 1), 0);
  }

  static long mainOfVersion(byte[] version) {
    return ~getLong(version, version.length - SUFFIX_BYTES);
  }

  static long subOfVersion(byte[] version) {
    return ~getLong(version, version.length - SUFFIX_BYTES + 8);
  }

  static boolean isTombstoneVersion(byte[] version) {
    return version[version.length - 1] == TOMBSTONE;
  }

  static byte[] userKeyOfVersion(byte[] version) {
    return KeyEncoding.unescape(
        version, PREFIX_BYTES, version.length - SUFFIX_BYTES - TERMINATOR_BYTES);
  }

  static boolean sameKey(byte[] version, byte[] otherVersion) {
    int keyBytes = version.length - SUFFIX_BYTES;
    return version.length == otherVersion.length
        && Arrays.equals(version, 0, keyBytes, otherVersion, 0, keyBytes);
  }

  /**
   * Stands right before the newest version of the row's key whose main revision is not above {@code
   * main}.
   */
  static byte[] versionsOfSameKey(byte[] version, long main) {
    byte[] row = Arrays.copyOf(version, version.length - SUFFIX_BYTES + Long.BYTES);
    putLong(row, row.length - Long.BYTES, ~main);
    return row;
  }

  /** Stands behind all versions of the row's key, and before those of the next. */
  static byte[] behindVersionsOfSameKey(byte[] version) {
    byte[] row = Arrays.copyOf(version, version.length - SUFFIX_BYTES);
    row[row.length - 1]++;
    return row;
  }

  byte[] revision(long main, long sub, boolean tombstone) {
    byte[] row = row(REVISIONS, storedKeyBytes(tombstone));
    KeyEncoding.putRevision(row, PREFIX_BYTES, main, sub, tombstone);
    return row;
  }

  byte[] revisionsFrom(long main) {
    byte[] row = row(REVISIONS, Long.BYTES);
    putLong(row, PREFIX_BYTES, main);
    return row;
  }

  byte[] revisionsEnd() {
    return row((byte) (REVISIONS + 1), 0);
  }

  static long mainOfRevision(byte[] revision) {
    return getLong(revision, PREFIX_BYTES);
  }

  static long subOfRevision(byte[] revision) {
    return getLong(revision, PREFIX_BYTES + 9);
  }

  static boolean isTombstoneRevision(byte[] revision) {
    return revision.length == PREFIX_BYTES + TOMBSTONE_REVISION_BYTES;
  }

  /** The key under which etcd would store the record: a row of revisions without our prefix. */
  static byte[] storedKey(byte[] revision) {
    return Arrays.copyOfRange(revision, PREFIX_BYTES, revision.length);
  }

  /** Adds that key to a checksum. */
  static void updateWithStoredKey(Checksum checksum, byte[] revision) {
    checksum.update(revision, PREFIX_BYTES, revision.length - PREFIX_BYTES);
  }

  /** What stands before every key of ours. */
  static int prefixBytes() {
    return PREFIX_BYTES;
  }

  /** Whether a row tells how far this member has come, and not what is stored. */
  static boolean isState(byte[] row) {
    return row[GROUP_BYTES] == STATE;
  }

  /** Whether a row holds the newest record of a live key. */
  static boolean isCurrent(byte[] row) {
    return row[GROUP_BYTES] == CURRENT;
  }

  static boolean isRevision(byte[] row) {
    return row[GROUP_BYTES] == REVISIONS;
  }

  /** Whether a row is its owner's, under a name of his. */
  static boolean isMeta(byte[] row) {
    return row[GROUP_BYTES] == META;
  }

  /** The name in a row of meta or state. */
  static String nameIn(byte[] row) {
    return new String(row, PREFIX_BYTES, row.length - PREFIX_BYTES, StandardCharsets.UTF_8);
  }

  /** Length of that key: it counts in the account of the store's size. */
  static int storedKeyBytes(boolean tombstone) {
    return tombstone ? TOMBSTONE_REVISION_BYTES : REVISION_BYTES;
  }

  byte[] lease(long id) {
    byte[] row = row(LEASES, Long.BYTES);
    putLong(row, PREFIX_BYTES, id);
    return row;
  }

  byte[] leasesFrom() {
    return row(LEASES, 0);
  }

  byte[] leasesEnd() {
    return row((byte) (LEASES + 1), 0);
  }

  static long idOfLease(byte[] row) {
    return getLong(row, PREFIX_BYTES);
  }

  /** Stands before every key of the lease. */
  byte[] attachmentsOf(long lease) {
    byte[] row = row(ATTACHMENTS, Long.BYTES);
    putLong(row, PREFIX_BYTES, lease);
    return row;
  }

  byte[] attachment(long lease, byte[] key) {
    byte[] row = row(ATTACHMENTS, Long.BYTES + key.length);
    putLong(row, PREFIX_BYTES, lease);
    System.arraycopy(key, 0, row, PREFIX_BYTES + Long.BYTES, key.length);
    return row;
  }

  /** Whether a row belongs to the lease that {@link #attachmentsOf} was made for. */
  static boolean isAttachmentOf(byte[] row, byte[] attachmentsOf) {
    return row.length > attachmentsOf.length
        && Arrays.equals(row, 0, attachmentsOf.length, attachmentsOf, 0, attachmentsOf.length);
  }

  byte[] state(String name) {
    return named(STATE, name);
  }

  byte[] meta(String name) {
    return named(META, name);
  }

  private byte[] named(byte table, String name) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    byte[] row = row(table, bytes.length);
    System.arraycopy(bytes, 0, row, PREFIX_BYTES, bytes.length);
    return row;
  }

  private byte[] row(byte table, int restBytes) {
    byte[] row = new byte[PREFIX_BYTES + restBytes];
    row[0] = (byte) (group >>> 24);
    row[1] = (byte) (group >>> 16);
    row[2] = (byte) (group >>> 8);
    row[3] = (byte) group;
    row[4] = table;
    return row;
  }
}
