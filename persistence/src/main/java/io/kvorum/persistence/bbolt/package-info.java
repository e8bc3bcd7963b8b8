/**
 * Reads a bbolt file, the form in which etcd keeps its database and gives its snapshots: {@link
 * io.kvorum.persistence.bbolt.BoltFile} is the door. Read-only, one page in memory for each level
 * of a tree, and nothing of what a file says is believed before it is checked: a damaged file gives
 * a {@link io.kvorum.persistence.bbolt.BoltException} that names file and page.
 *
 * <p>Numbers are little endian, as on every machine that etcd supports. The free list is not looked
 * at: what no tree reaches is not there.
 *
 * <p>Not here: what etcd's buckets mean, the checksum that ends a snapshot.
 */
@NullMarked
package io.kvorum.persistence.bbolt;

import org.jspecify.annotations.NullMarked;
