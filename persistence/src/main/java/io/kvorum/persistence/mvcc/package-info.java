/** The versioned keyspace. */
@NullMarked
package io.kvorum.persistence.mvcc;

import org.jspecify.annotations.NullMarked;
