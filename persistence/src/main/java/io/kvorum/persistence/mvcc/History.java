package io.kvorum.persistence.mvcc;

import java.util.List;

/** Consecutive whole revisions, and the revision that follows them. */
public record History(List<RevisionEvents> revisions, long nextRevision) {
  public History {
    revisions = List.copyOf(revisions);
  }
}
