/**
 * Leases as their owners see them: calls that can be compared between servers, and clients that
 * keep many leases alive whatever happens to the members.
 */
@NullMarked
package io.kvorum.verification.conformance.lease;

import org.jspecify.annotations.NullMarked;
