/**
 * Answers of any size in bounded memory: the account of the bytes that wait for their clients, the
 * ranges that are read as their clients take them, and the slices of time in which that is done. No
 * service lives here, and no answer that is small goes through here.
 *
 * <p>An answer of up to {@link io.kvorum.server.answers.Answers#FREE_BYTES} is read at once and
 * costs no more than that. A larger one takes a share of {@link
 * io.kvorum.server.answers.AnswerMemory}, or waits for one. A range in key order beyond {@link
 * io.kvorum.server.answers.Answers#WHOLE_BYTES} is first measured, as the length of a message
 * stands before it, and then read again as it is sent. Why it is done so:
 * docs/decisions/0020-ranges-in-bounded-memory.md.
 */
@NullMarked
package io.kvorum.server.answers;

import org.jspecify.annotations.NullMarked;
