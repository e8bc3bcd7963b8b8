/** Tests of large answers without a network. */
@NullMarked
package io.kvorum.server.answers;

import org.jspecify.annotations.NullMarked;
