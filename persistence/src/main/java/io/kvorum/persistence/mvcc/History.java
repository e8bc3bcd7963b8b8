package io.kvorum.persistence.mvcc;

import java.util.List;

/**
 * A stretch of past revisions.
 *
 * @param revisions ascending, each whole
 * @param nextRevision where to go on; one above the current revision when nothing is left
 */
public record History(List<RevisionEvents> revisions, long nextRevision) {}
