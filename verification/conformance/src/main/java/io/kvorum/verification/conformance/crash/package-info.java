/** Kills a server under load and checks that what it had acknowledged is still there. */
@NullMarked
package io.kvorum.verification.conformance.crash;

import org.jspecify.annotations.NullMarked;
