/** Tests of the settings: each form, each refusal, and the table against etcd's own. */
@NullMarked
package io.kvorum.config;

import org.jspecify.annotations.NullMarked;
