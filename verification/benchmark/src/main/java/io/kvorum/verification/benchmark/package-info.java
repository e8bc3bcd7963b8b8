/**
 * Loads servers of etcd's v3 API and measures what they do: rate, latency, processor time, memory,
 * time until ready. Knows a server only by its address and its process.
 */
@NullMarked
package io.kvorum.verification.benchmark;

import org.jspecify.annotations.NullMarked;
