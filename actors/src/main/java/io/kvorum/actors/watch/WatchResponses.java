package io.kvorum.actors.watch;

import com.google.protobuf.CodedOutputStream;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import io.kvorum.protocol.mvccpb.Event;
import java.util.ArrayList;
import java.util.List;

/** The shapes of a watch response (etcd 3.7.1, api/v3rpc/watch.go). */
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

  static WatchResponse events(ResponseHeader header, Batch batch) {
    return WatchResponse.newBuilder()
        .setHeader(header)
        .setWatchId(batch.watcher().id())
        .addAllEvents(batch.events())
        .build();
  }

  /**
   * The same response in pieces below {@code bytesMax}, or of one event; all but the last say that
   * more follows. One piece if it is small enough or has one event.
   */
  static List<WatchResponse> fragments(ResponseHeader header, Batch batch, long bytesMax) {
    var whole = events(header, batch);
    if (whole.getEventsCount() < 2 || whole.getSerializedSize() < bytesMax) {
      return List.of(whole);
    }
    var empty = whole.toBuilder().clearEvents().setFragment(true).build();
    var pieces = new ArrayList<WatchResponse>();
    var piece = empty.toBuilder();
    long bytes = empty.getSerializedSize();
    for (Event event : batch.events()) {
      int eventBytes =
          CodedOutputStream.computeMessageSize(WatchResponse.EVENTS_FIELD_NUMBER, event);
      if (piece.getEventsCount() > 0 && bytes + eventBytes >= bytesMax) {
        pieces.add(piece.build());
        piece = empty.toBuilder();
        bytes = empty.getSerializedSize();
      }
      piece.addEvents(event);
      bytes += eventBytes;
    }
    pieces.add(piece.clearFragment().build());
    return pieces;
  }
}
