/**
 * The pages of the client port: health, version and metrics, with CORS and the host whitelist
 * before them. Paths, texts and codes are etcd's.
 */
@NullMarked
package io.kvorum.server.http;

import org.jspecify.annotations.NullMarked;
