package io.kvorum.persistence.mvcc;

import io.kvorum.protocol.mvccpb.Event;
import java.util.List;

/**
 * All changes of one main revision, in the order of their sub revisions.
 *
 * @param events a DELETE's kv holds key and mod_revision only; prev_kv is set on events that come
 *     straight from the writer and replace a live key, but for a PUT only if the writer had to know
 *     the value, see {@link Keyspace#tellPreviousValues}; never on those read from history
 */
public record RevisionEvents(long revision, List<Event> events) {}
