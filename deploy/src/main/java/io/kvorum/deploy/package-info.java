/**
 * The process: its start, its log, and how the rooms are wired into one server. No logic of the
 * store lives here.
 */
@NullMarked
package io.kvorum.deploy;

import org.jspecify.annotations.NullMarked;
