/**
 * Clusters of server processes: where their members run, how they are started, asked and changed,
 * and how the network between them is cut. What is done to them and what they are held to is for
 * others.
 */
@NullMarked
package io.kvorum.verification.conformance.cluster;

import org.jspecify.annotations.NullMarked;
