/** Tests of the metrics page and of the instruments behind it. */
@NullMarked
package io.kvorum.actors.telemetry;

import org.jspecify.annotations.NullMarked;
