/** Tests of the process around the server. */
@NullMarked
package io.kvorum.deploy;

import org.jspecify.annotations.NullMarked;
