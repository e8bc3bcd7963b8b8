package io.kvorum.actors.watch;

import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.WatchResponse;

/** The shapes of watch responses without events (etcd 3.7.1, api/v3rpc/watch.go). */
final class WatchResponses {
  /** Of a watcher that could not be created, and of progress for all of a stream's watchers. */
  static final long NO_WATCH_ID = -1;

  private WatchResponses() {}

  static WatchResponse created(ResponseHeader header, long id) {
    return WatchResponse.newBuilder().setHeader(header).setWatchId(id).setCreated(true).build();
  }

  /** A refused create request is an answer; the stream and its other watchers go on. */
  static WatchResponse refused(ResponseHeader header, String reason) {
    return WatchResponse.newBuilder()
        .setHeader(header)
        .setWatchId(NO_WATCH_ID)
        .setCreated(true)
        .setCanceled(true)
        .setCancelReason(reason)
        .build();
  }

  static WatchResponse canceled(ResponseHeader header, long id) {
    return WatchResponse.newBuilder().setHeader(header).setWatchId(id).setCanceled(true).build();
  }

  static WatchResponse compacted(ResponseHeader header, long id, long compactedRevision) {
    return WatchResponse.newBuilder()
        .setHeader(header)
        .setWatchId(id)
        .setCanceled(true)
        .setCompactRevision(compactedRevision)
        .build();
  }

  static WatchResponse progress(ResponseHeader header, long id) {
    return WatchResponse.newBuilder().setHeader(header).setWatchId(id).build();
  }
}
