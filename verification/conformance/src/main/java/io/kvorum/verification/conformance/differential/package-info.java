/**
 * One seeded stream of requests to two servers, and the comparison of every answer. Tolerates
 * nothing but what {@link io.kvorum.verification.conformance.differential.KnownDifference} names.
 */
@NullMarked
package io.kvorum.verification.conformance.differential;

import org.jspecify.annotations.NullMarked;
