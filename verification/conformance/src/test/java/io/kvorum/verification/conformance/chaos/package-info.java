/** Clusters under faults, in the short form that every verification runs. */
@NullMarked
package io.kvorum.verification.conformance.chaos;

import org.jspecify.annotations.NullMarked;
