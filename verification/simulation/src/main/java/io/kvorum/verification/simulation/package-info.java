/**
 * Clusters in one thread on virtual time, from one seed: the production replicas, their log's
 * records and replay, their read rounds and membership rules, on a network, disks and clocks that
 * fail as told. After every event the invariants are checked; in the end what the clients saw.
 *
 * <p>Nothing here looks at a wall clock or at another source of randomness than the seed, so that a
 * seed is a whole story. No socket, no file, no thread.
 */
@NullMarked
package io.kvorum.verification.simulation;

import org.jspecify.annotations.NullMarked;
