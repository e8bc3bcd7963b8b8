/**
 * The wire contract: generated messages and service interfaces in the packages below, the one table
 * of errors, and the few value types that cross rooms. No behaviour lives here.
 */
@NullMarked
package io.kvorum.protocol;

import org.jspecify.annotations.NullMarked;
