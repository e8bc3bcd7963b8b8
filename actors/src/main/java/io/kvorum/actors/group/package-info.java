/**
 * One replicated group as a member runs it: the replica, its log, its applier and its watch hub put
 * together, and the face that service adapters see.
 */
@NullMarked
package io.kvorum.actors.group;

import org.jspecify.annotations.NullMarked;
