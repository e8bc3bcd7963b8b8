/**
 * Tests of the keyspace: rules one by one, bytes literally, and a random stream against {@code
 * ReferenceKeyspace}.
 */
package io.kvorum.persistence.mvcc;
