/** Malformed, oversized and nonsensical input, over raw sockets, from a seed. */
@NullMarked
package io.kvorum.verification.conformance.fuzz;

import org.jspecify.annotations.NullMarked;
