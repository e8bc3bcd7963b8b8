/**
 * Clusters under load while they are killed, paused, cut apart, restarted and given other members:
 * what happened is recorded call by call, and held against what every member shows afterwards.
 */
@NullMarked
package io.kvorum.verification.conformance.chaos;

import org.jspecify.annotations.NullMarked;
