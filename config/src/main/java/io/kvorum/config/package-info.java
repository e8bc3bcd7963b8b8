/**
 * Settings: etcd's flags, {@code ETCD_*} variables and configuration files in, one immutable typed
 * {@link io.kvorum.config.ServerConfig} or the list of everything that is wrong out.
 *
 * <p>{@link io.kvorum.config.Flags} is the one table of what is known. Here live parsing, defaults
 * and validation; what a setting does lives with whoever uses it. Nothing here logs, prints, ends
 * the process or touches the disk except to read a configuration file that was named and to look
 * whether the data directory already holds a member.
 */
@NullMarked
package io.kvorum.config;

import org.jspecify.annotations.NullMarked;
