/**
 * The one place that knows Kamon: counters, gauges and histograms under etcd's names, and the page
 * that Prometheus scrapes. Nothing here knows what the figures mean beyond their names and types;
 * no actor, no HTTP route and no storage code lives here.
 */
@NullMarked
package io.kvorum.actors.telemetry;

import org.jspecify.annotations.NullMarked;
