@NullMarked
package io.kvorum.persistence.snapshot;

import org.jspecify.annotations.NullMarked;
