/**
 * Watches of one replicated group: from the events of the applier and the history of the keyspace
 * to the responses of each client's stream.
 *
 * <h2>How an event reaches a client</h2>
 *
 * The applier sends what it committed to the {@link io.kvorum.actors.watch.WatchHub}, one actor per
 * group. The hub puts each revision into a bounded ring of the newest ones, finds the subscriptions
 * that match (exact keys by hash, ranges by an interval tree) and hands each stream its share. That
 * is all it ever does: it reads no disk, scans nothing on behalf of one client, and waits for
 * nobody. It works in small parts with other messages in between; if there is more to hand out than
 * it can manage, it ends the subscriptions, and the streams read the ring by themselves.
 *
 * <p>Each client stream is a stage of Pekko Streams with a session inside that knows the client's
 * watchers. A watcher that is level has a subscription at the hub. What the hub hands over, a
 * delivery for each revision and stream, is counted against the stream's credit, and a stream whose
 * client does not take its responses runs out of it; then the hub drops the subscriptions that had
 * something to get and names the revision from which each of them misses events. Such a watcher,
 * like one that starts in the past, is lagging: it joins a cohort of its stream's watchers that
 * stand close to each other. When the client takes something and no portion waits, a cohort reads
 * on, from the ring while it reaches back far enough, else from the keyspace's history on threads
 * of their own, a bounded portion at a time, until it is level, and its members subscribe again. A
 * portion of history that was read serves every stream that waits for it. So a slow client costs a
 * cursor and the bounded queue in front of it, and delays nobody.
 *
 * <p>An event is encoded once, when the first watcher needs it; a response is a header, an id and
 * these bytes. Whatever waits when the client takes something leaves in one piece.
 *
 * <h2>Why nothing is lost or sent twice</h2>
 *
 * A watcher always knows the next revision that it has not been given. It subscribes from that
 * revision on; the hub's answer names the newest revision published before the subscription took
 * effect, and what lies between the two is in the ring. The session takes it from there at once,
 * before it can see a later delivery, and only if the ring has moved on already goes back to
 * lagging.
 *
 * <p>A progress response promises that all events up to its revision came before it. Its revision
 * is therefore the hub's, asked for by message: the answer comes behind all deliveries up to it,
 * and the response goes into the queue behind their events.
 *
 * <p>Hub and session know nothing of the actor and the stage around them: tests and the simulation
 * run them in one thread.
 *
 * <p>No storage engine and no consensus here, and of gRPC only the five bytes before a message.
 */
@NullMarked
package io.kvorum.actors.watch;

import org.jspecify.annotations.NullMarked;
