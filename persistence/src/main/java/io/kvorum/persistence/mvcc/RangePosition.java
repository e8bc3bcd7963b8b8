package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;

/**
 * How far a {@link RangeWalk} has come, and all it needs to go on over another view.
 *
 * @param currentRevision what the answer's header says: the store's when the walk began
 * @param revision that all of it reads
 * @param from the first key not dealt with
 * @param records of the answer so far
 * @param recordBytes what they take in a RangeResponse
 * @param count keys of the range so far; of all of it when the walk is at its end
 * @param more whether there are more records than the limit; known at the end of the records
 * @param ended whether nothing is left, and so {@code from} says nothing
 */
public record RangePosition(
    long currentRevision,
    long revision,
    ByteString from,
    long records,
    long recordBytes,
    long count,
    boolean more,
    boolean ended) {}
