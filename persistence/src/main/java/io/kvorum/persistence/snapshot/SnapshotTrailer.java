package io.kvorum.persistence.snapshot;

import com.google.protobuf.ByteString;

/**
 * How a snapshot's stream ended.
 *
 * @param chunks how many there were
 * @param sha256 over the bytes of all of them
 */
public record SnapshotTrailer(long chunks, ByteString sha256) {}
