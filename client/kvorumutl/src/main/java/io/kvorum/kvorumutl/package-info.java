/**
 * {@code kvorumutl}, the tool for files that no server runs on: one class for each command, and
 * what they share. What a command says goes to stdout, progress and refusals go to stderr; the exit
 * code is 0, 1 where it was refused or failed, and 2 where the command line cannot be understood.
 *
 * <p>Not here: anything that speaks to a server; how a keyspace and a log are stored.
 */
@NullMarked
package io.kvorum.kvorumutl;

import org.jspecify.annotations.NullMarked;
