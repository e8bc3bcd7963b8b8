/**
 * Whether the members of a group hold the same: the leader compares the rolling hashes of their
 * keyspaces with its own, finds the first revision at which one differs, and says who is wrong.
 *
 * <p>Compares numbers that others have computed and stored; reads no keys, decides nothing about
 * what is done with a member that differs.
 */
@NullMarked
package io.kvorum.actors.divergence;

import org.jspecify.annotations.NullMarked;
