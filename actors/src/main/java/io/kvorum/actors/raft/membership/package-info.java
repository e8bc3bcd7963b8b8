/** Who votes and who only learns; configuration changes are entries of the log. */
@NullMarked
package io.kvorum.actors.raft.membership;

import org.jspecify.annotations.NullMarked;
