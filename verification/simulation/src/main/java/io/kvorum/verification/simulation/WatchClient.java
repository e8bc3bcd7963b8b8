package io.kvorum.verification.simulation;

import com.google.protobuf.ByteString;
import io.kvorum.actors.watch.ResponseChunk;
import io.kvorum.actors.watch.WatchHub;
import io.kvorum.actors.watch.WatchSession;
import io.kvorum.persistence.mvcc.RevisionEvents;
import io.kvorum.protocol.etcdserverpb.WatchCreateRequest;
import io.kvorum.protocol.etcdserverpb.WatchProgressRequest;
import io.kvorum.protocol.etcdserverpb.WatchRequest;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import io.kvorum.protocol.mvccpb.Event;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** One client with one watch, which outlives its connections. */
final class WatchClient {
  private static final ByteString ZERO = ByteString.copyFrom(new byte[1]);

  private final Watchers watchers;
  private final int number;
  private final SplittableRandom random;

  /** The one key that it asks for; null for all. */
  private final @Nullable ByteString key;

  /** It has been told everything up to here. */
  private long seen = 1;

  private @Nullable Life life;
  private @Nullable WatchSession session;
  private boolean created;

  /** It has asked for what there is, and the process has not come to it yet. */
  private boolean asked;

  private int stepsWithoutReading;
  private boolean hurried;

  WatchClient(Watchers watchers, int number, SplittableRandom random) {
    this.watchers = watchers;
    this.number = number;
    this.random = random;
    this.key = number == 0 ? ByteString.copyFromUtf8("k0") : null;
  }

  void hurry() {
    hurried = true;
    stepsWithoutReading = 0;
  }

  /** It reads, or goes on elsewhere, or asks for progress, or does nothing for a while. */
  void step() {
    if (session == null || life == null || !places().contains(life)) {
      connect();
      return;
    }
    if (stepsWithoutReading > 0) {
      stepsWithoutReading--;
      return;
    }
    int chance = hurried ? 99 : random.nextInt(100);
    if (chance == 0) {
      disconnect(session);
    } else if (chance == 1) {
      stepsWithoutReading = random.nextInt(200);
    } else {
      read(session, chance < 10);
    }
  }

  private void connect() {
    session = null;
    created = false;
    asked = false;
    List<Life> lives = places();
    if (lives.isEmpty()) {
      return;
    }
    Life chosen = lives.get(random.nextInt(lives.size()));
    Watchers.Served served = watchers.at(chosen);
    Stream stream = new Stream(served);
    WatchSession opened = served.streams().session(stream);
    stream.session = opened;
    life = chosen;
    session = opened;
    WatchCreateRequest.Builder create = WatchCreateRequest.newBuilder().setStartRevision(seen + 1);
    if (key == null) {
      create.setKey(ZERO).setRangeEnd(ZERO);
    } else {
      create.setKey(key);
    }
    WatchRequest request = WatchRequest.newBuilder().setCreateRequest(create).build();
    served.post(
        () -> {
          opened.open();
          opened.onRequest(request);
        });
  }

  /** In the end only members: who was removed is told nothing any more, and tells nothing. */
  private List<Life> places() {
    List<Life> lives = watchers.world().lives();
    var members = watchers.world().configuration();
    return hurried
        ? lives.stream()
            .filter(l -> members.isVoter(l.id()) || members.learners().contains(l.id()))
            .toList()
        : lives;
  }

  private void disconnect(WatchSession left) {
    if (life != null) {
      watchers.at(life).post(left::close);
    }
    session = null;
  }

  private void read(WatchSession from, boolean asksProgress) {
    if (life == null || asked) {
      return;
    }
    asked = true;
    watchers
        .at(life)
        .post(
            () -> {
              if (session == from) {
                asked = false;
                ResponseChunk chunk = from.poll();
                if (chunk != null) {
                  chunk.read().forEach(this::take);
                }
                if (asksProgress && from.acceptsRequest()) {
                  from.onRequest(
                      WatchRequest.newBuilder()
                          .setProgressRequest(WatchProgressRequest.getDefaultInstance())
                          .build());
                }
              }
            });
  }

  private void take(WatchResponse response) {
    if (response.getCreated()) {
      check(!created && !response.getCanceled(), "is created once", response);
      created = true;
    } else if (response.getEventsCount() > 0) {
      check(created && !response.getCanceled(), "comes first", response);
      events(response);
    } else {
      check(!response.getCanceled(), "goes on", response);
      long promised = response.getHeader().getRevision();
      RevisionEvents due = nextDue();
      check(due == null || due.revision() > promised, "is complete at progress", response);
    }
  }

  /** Exactly what comes next in the history, revision by revision. */
  private void events(WatchResponse response) {
    List<Event> events = response.getEventsList();
    int at = 0;
    while (at < events.size()) {
      RevisionEvents due = nextDue();
      int end = due == null ? at : at + due.events().size();
      check(
          due != null && end <= events.size() && events.subList(at, end).equals(due.events()),
          "is ordered, unique and atomic",
          response);
      if (due != null) {
        seen = due.revision();
      }
      at = end;
    }
    check(response.getHeader().getRevision() >= seen, "has a header behind its events", response);
  }

  private @Nullable RevisionEvents nextDue() {
    for (RevisionEvents next : watchers.history().after(seen).values()) {
      List<Event> matching =
          next.events().stream()
              .filter(event -> key == null || event.getKv().getKey().equals(key))
              .toList();
      if (!matching.isEmpty()) {
        return new RevisionEvents(next.revision(), matching);
      }
    }
    return null;
  }

  boolean isLevel() {
    return nextDue() == null;
  }

  private void check(boolean holds, String what, WatchResponse response) {
    Violation.check(
        holds,
        "a watch " + what,
        () -> this + " at " + life + " after " + seen + ", due " + nextDue() + ": " + response);
  }

  @Override
  public String toString() {
    return "watcher " + number;
  }

  /** One connection's stream at a process. */
  private static final class Stream implements WatchSession.Outside {
    private final Watchers.Served served;
    private @Nullable WatchSession session;

    Stream(Watchers.Served served) {
      this.served = served;
    }

    @Override
    public void tellHub(WatchHub.Message message) {
      served.tellHub(message);
    }

    @Override
    public void ring() {
      served.post(
          () -> {
            if (session != null) {
              session.onReplies();
            }
          });
    }

    @Override
    public void later(Runnable task) {
      served.post(task);
    }

    @Override
    public void tryAgain() {
      throw new IllegalStateException("history is never refused here");
    }

    @Override
    public void startProgressInterval() {
      // asked for by hand
    }

    @Override
    public void fail(Throwable cause) {
      throw new IllegalStateException("history cannot be read", cause);
    }
  }
}
