package io.kvorum.persistence.mvcc;

import io.kvorum.protocol.mvccpb.KeyValue;

/**
 * A walk in key order over the live keys of an interval at one revision. A record is only read when
 * it is asked for.
 */
interface Scan extends AutoCloseable {

  /** Moves to the next live key; false at the end. Must be called before the first. */
  boolean advance();

  /** The user key it stands at. */
  byte[] key();

  /** The record it stands at. */
  KeyValue record();

  /** The same as it is stored. */
  default byte[] encoded() {
    return RecordCodec.encode(record());
  }

  @Override
  void close();
}
