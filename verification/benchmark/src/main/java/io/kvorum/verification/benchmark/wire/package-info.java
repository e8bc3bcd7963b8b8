/**
 * As little HTTP/2 and gRPC as a load generator needs, so that the machine's processors go to the
 * server that is measured: unary calls with one small message each way, on one thread per event
 * loop. Not a client library.
 */
@NullMarked
package io.kvorum.verification.benchmark.wire;

import org.jspecify.annotations.NullMarked;
