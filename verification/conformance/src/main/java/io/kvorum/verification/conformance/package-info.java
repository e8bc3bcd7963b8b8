/**
 * Looks at a running server from outside, as any etcd v3 client would: real clients, a real etcd
 * side by side, crashes and bad input. Nothing of the server's own classes may be imported here.
 */
@NullMarked
package io.kvorum.verification.conformance;

import org.jspecify.annotations.NullMarked;
