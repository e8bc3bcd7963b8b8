/**
 * gRPC over HTTP/2 on Pekko HTTP: framing, request headers, deadlines, statuses, and the dispatch
 * of a request to its method. Knows nothing of etcd but the messages' bytes.
 *
 * <p>The generated handlers of pekko-grpc are left aside: for each unary call they negotiate
 * codecs, run two futures and pass the message through a stream stage. Here a unary call whose
 * request came in one DATA frame is parsed straight out of that frame and answered with one strict
 * entity and ready-made trailers, and sizes are judged before anything is buffered.
 */
@NullMarked
package io.kvorum.server.grpc;

import org.jspecify.annotations.NullMarked;
