/** Real processes and real small disks for this module's tests. */
@NullMarked
package io.kvorum.persistence.testing;

import org.jspecify.annotations.NullMarked;
