/**
 * The only wrapper of the raw LevelDB interface, native or pure Java, and the checks that LevelDB
 * itself does not make: its log files are read before it opens them, because it drops a damaged
 * tail without a word; how far they are synced is noted beside them; the indexes of its tables are
 * checked, because it trusts them; a file that is damaged is found and named. Free space is
 * watched, because its native code writes through memory maps and a full disk would end the
 * process. Nothing here knows what the keys and values mean.
 */
@NullMarked
package io.kvorum.persistence.leveldb;

import org.jspecify.annotations.NullMarked;
