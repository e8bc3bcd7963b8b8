package io.kvorum.verification.history;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The revisions of writes that nobody was told of, as far as a read gives them away: it returned
 * what only one of them can have written, at a revision that belongs to no other.
 */
final class SeenRevisions {
  private record Written(String key, String value) {}

  private final long[] told;
  private final Map<Written, Long> read = new HashMap<>();

  SeenRevisions(History history, long[] told) {
    this.told = told;
    for (Operation operation : history.operations()) {
      Response response = operation.response();
      if (response != null) {
        note(operation.request(), response);
      }
    }
  }

  private void note(Request request, Response response) {
    switch (request) {
      case Request.Get get -> {
        if (response instanceof Response.Got got) {
          Response.Version version = got.version();
          if (version != null && Arrays.binarySearch(told, version.modRevision()) < 0) {
            read.put(new Written(get.key(), version.value()), version.modRevision());
          }
        }
      }
      case Request.Put put -> {}
      case Request.Delete delete -> {}
      case Request.Txn txn -> {
        if (response instanceof Response.TxnDone done) {
          List<Request.Single> branch = done.succeeded() ? txn.success() : txn.failure();
          for (int i = 0; i < Math.min(branch.size(), done.responses().size()); i++) {
            note(branch.get(i), done.responses().get(i));
          }
        }
      }
    }
  }

  /** For each of these operations its revision, or 0. */
  long[] of(List<Operation> unanswered) {
    Map<Long, Integer> places = new HashMap<>();
    long[] revisions = new long[unanswered.size()];
    for (int i = 0; i < revisions.length; i++) {
      long revision = revision(unanswered.get(i).request());
      Integer other = revision == 0 ? null : places.putIfAbsent(revision, i);
      if (other == null) {
        revisions[i] = revision;
      } else {
        // Two wrote the same value: it may be either's.
        revisions[other] = 0;
      }
    }
    return revisions;
  }

  private long revision(Request request) {
    return switch (request) {
      case Request.Get get -> 0;
      case Request.Put put -> read.getOrDefault(new Written(put.key(), put.value()), 0L);
      case Request.Delete delete -> 0;
      case Request.Txn txn -> {
        long revision = 0;
        for (Request.Single single : txn.success()) {
          revision = Math.max(revision, revision(single));
        }
        for (Request.Single single : txn.failure()) {
          revision = Math.max(revision, revision(single));
        }
        yield revision;
      }
    };
  }
}
