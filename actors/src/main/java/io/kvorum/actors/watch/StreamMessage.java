package io.kvorum.actors.watch;

import java.util.List;

/** What a client stream says to the hub, in this order: open, anything, close. */
sealed interface StreamMessage extends WatchHub.Message {

  StreamPort stream();

  record Open(StreamPort stream) implements StreamMessage {}

  /** Answered by {@link HubReply.Joined}, then deliveries. */
  record Join(StreamPort stream, List<Subscription> subscriptions) implements StreamMessage {}

  /** No answer; deliveries that are under way still arrive. */
  record Leave(StreamPort stream, Subscription subscription) implements StreamMessage {}

  /**
   * Answered by {@link HubReply.Reached} once the hub has published {@code atLeast}, behind all
   * deliveries up to the revision that it names.
   */
  record AskReached(StreamPort stream, HubReply.Purpose purpose, long atLeast)
      implements StreamMessage {}

  record Close(StreamPort stream) implements StreamMessage {}
}
