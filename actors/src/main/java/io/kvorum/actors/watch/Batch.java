package io.kvorum.actors.watch;

import io.kvorum.protocol.mvccpb.Event;
import java.util.List;

/**
 * Events of one or more whole revisions for one watcher, in order: what becomes one response.
 *
 * @param headerRevision of the response: the event's own when live, the store's when catching up
 */
record Batch(Watcher watcher, long headerRevision, List<Event> events, long bytes) {}
