@NullMarked
package io.kvorum.server.grpc;

import org.jspecify.annotations.NullMarked;
