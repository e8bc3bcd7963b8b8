/** Holds the compiled wire contract against the tables of etcd 3.7.1 in the test resources. */
@NullMarked
package io.kvorum.protocol;

import org.jspecify.annotations.NullMarked;
