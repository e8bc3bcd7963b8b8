/** The checks that run with every verification; the long forms of some are tagged {@code long}. */
@NullMarked
package io.kvorum.verification.conformance;

import org.jspecify.annotations.NullMarked;
