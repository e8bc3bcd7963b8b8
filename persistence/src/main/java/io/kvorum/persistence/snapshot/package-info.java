/**
 * A group's whole stored state as a stream of bounded chunks: {@link
 * io.kvorum.persistence.snapshot.SnapshotReader} takes it from one consistent view of a keyspace,
 * {@link io.kvorum.persistence.snapshot.SnapshotWriter} checks it and makes a keyspace of it that
 * can be installed. {@link io.kvorum.persistence.snapshot.SnapshotFile} gives the stream the form
 * of a file that clients can save, and {@link io.kvorum.persistence.snapshot.SavedSnapshot} reads
 * one, whose end {@link io.kvorum.persistence.snapshot.SnapshotChecksum} compares with its content.
 *
 * <p>The stream, which {@link io.kvorum.persistence.snapshot.SnapshotHeader} begins, carries raw
 * rows and knows nothing of what they mean: whatever is ever stored under the group's prefix
 * travels along. Its bytes depend on nothing but the view, so it may be read again from the start.
 *
 * <p>Not here: how chunks travel, who wants them and when, the log.
 */
@NullMarked
package io.kvorum.persistence.snapshot;

import org.jspecify.annotations.NullMarked;
