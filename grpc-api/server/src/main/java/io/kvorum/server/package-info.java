/**
 * The client port: one adapter per etcd service on top of a replicated group, the checks that need
 * nothing but the request, and the binding of addresses. No state of the store lives here, and
 * nothing below this package knows of HTTP or gRPC.
 */
@NullMarked
package io.kvorum.server;

import org.jspecify.annotations.NullMarked;
