/**
 * Starting, stopping, killing and watching server processes, and the plain channels that talk to
 * them. No opinion about what a server should answer.
 */
@NullMarked
package io.kvorum.verification.conformance.harness;

import org.jspecify.annotations.NullMarked;
