package io.kvorum.actors.cluster;

import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.MemberId;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.ActorSelection;
import org.apache.pekko.actor.Cancellable;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.dispatch.Dispatchers;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The process's side of the network between members: takes what comes in, hands it to the group it
 * is for, and answers who runs here, also before there is a group. The actor system must have been
 * created with {@link ArteryConfig}.
 */
public final class PeerNetwork {
  private static final Logger log = LoggerFactory.getLogger(PeerNetwork.class);

  /** Silent members are spoken to this often, and a silence is noticed this late. */
  private static final Duration PING_INTERVAL = Duration.ofMillis(500);

  /** Connections that are seldom used carry something this often, in pings. */
  private static final int WARM_INTERVAL_PINGS = 60;

  /** Who runs here is told no more often than this; whoever asks repeats itself. */
  private static final int MAX_INFO_ANSWERS_PER_SECOND = 200;

  /** Questions of others that may wait for an answer at once; more are not asked. */
  private static final int MAX_OPEN_QUESTIONS = 1024;

  private final ExtendedActorSystem system;
  private final String serverVersion;
  private final Supplier<PeerInfo> self;
  private final Map<PeerInbox.Lane, ActorRef> inboxes = new EnumMap<>(PeerInbox.Lane.class);
  private final Map<GroupId, GroupLink> groups = new ConcurrentHashMap<>();
  private final Map<Long, CompletableFuture<PeerInfo>> asked = new ConcurrentHashMap<>();
  private final AtomicLong numbers = new AtomicLong();
  private final Cancellable pings;
  private final Allowance infoAnswers = new Allowance(MAX_INFO_ANSWERS_PER_SECOND);
  private long pingCount;
  private long pingedNanos = System.nanoTime();
  private long judgeFromNanos = System.nanoTime();

  private PeerNetwork(ExtendedActorSystem system, String serverVersion, Supplier<PeerInfo> self) {
    this.system = system;
    this.serverVersion = serverVersion;
    this.self = self;
    for (PeerInbox.Lane lane : PeerInbox.Lane.values()) {
      inboxes.put(
          lane,
          system.systemActorOf(
              PeerInbox.props(this).withDispatcher(Dispatchers.DefaultDispatcherId()),
              lane.actorName()));
    }
    this.pings =
        system
            .scheduler()
            .scheduleWithFixedDelay(
                PING_INTERVAL, PING_INTERVAL, this::onPingInterval, system.dispatcher());
    system.registerOnTermination(pings::cancel);
  }

  /**
   * Listens from now on.
   *
   * @param serverVersion of etcd's API, such as 3.7.1; part of every message
   * @param self who runs here, for those who ask; called on the network's threads
   */
  public static PeerNetwork start(
      ActorSystem<?> system, String serverVersion, Supplier<PeerInfo> self) {
    return new PeerNetwork((ExtendedActorSystem) Adapter.toClassic(system), serverVersion, self);
  }

  /** Takes messages for a group. One link for each group of the process. */
  public GroupPeers join(LogIdentity identity, PeerHandler handler) {
    GroupLink link = new GroupLink(this, identity, handler);
    if (groups.putIfAbsent(identity.group(), link) != null) {
      throw new IllegalStateException("group " + identity.group().value() + " is there already");
    }
    return link;
  }

  /**
   * Asks who runs at an address. Fails with {@link java.util.concurrent.TimeoutException} when
   * nobody answers in time; asks again meanwhile, for a process that is just starting.
   */
  public CompletionStage<PeerInfo> ask(PeerAddress address, Duration timeout) {
    if (asked.size() >= MAX_OPEN_QUESTIONS) {
      return CompletableFuture.failedFuture(
          new IllegalStateException(MAX_OPEN_QUESTIONS + " questions to peers are open"));
    }
    long number = numbers.incrementAndGet();
    CompletableFuture<PeerInfo> answer = new CompletableFuture<>();
    asked.put(number, answer);
    PeerMessage question = PeerMessage.of(stranger(), new PeerMessage.InfoRequest(number));
    ActorSelection to = selection(address);
    Cancellable repeated =
        system
            .scheduler()
            .scheduleWithFixedDelay(
                Duration.ZERO,
                Duration.ofMillis(200),
                () -> to.tell(question, inbox(PeerInbox.Lane.URGENT)),
                system.dispatcher());
    return answer
        .orTimeout(timeout.toMillis(), TimeUnit.MILLISECONDS)
        .whenComplete(
            (info, failure) -> {
              repeated.cancel();
              asked.remove(number);
            });
  }

  private void onPingInterval() {
    boolean warm = pingCount++ % WARM_INTERVAL_PINGS == 0;
    groups.values().forEach(group -> group.ping(warm));
    long now = System.nanoTime();
    if (now - pingedNanos > 2 * PING_INTERVAL.toNanos()) {
      // This process was held up: what the peers said meanwhile is still to be read.
      judgeFromNanos = now + Peer.SILENCE.toNanos();
    }
    pingedNanos = now;
    if (now - judgeFromNanos >= 0) {
      groups.values().forEach(GroupLink::noticeSilence);
    }
  }

  void redial(PeerAddress address) {
    Redial.cut(system, address);
  }

  void receive(PeerMessage message, ActorRef sender) {
    switch (message.body()) {
      case PeerMessage.InfoRequest(var number) -> {
        if (infoAnswers.take()) {
          reply(sender, stranger(), new PeerMessage.InfoResponse(number, self.get()));
        }
      }
      case PeerMessage.InfoResponse(var number, var info) -> {
        CompletableFuture<PeerInfo> answer = asked.get(number);
        if (answer != null) {
          answer.complete(info);
        }
      }
      case PeerMessage.Body body -> {
        GroupLink group = groups.get(message.header().group());
        if (group == null) {
          log.debug("nobody here takes {}", message);
        } else {
          group.receive(message.header(), body, sender);
        }
      }
    }
  }

  /** Of what is said outside of any cluster. */
  private PeerMessage.Header stranger() {
    return new PeerMessage.Header(serverVersion, 0, GroupId.DEFAULT, MemberId.NONE, MemberId.NONE);
  }

  void reply(ActorRef to, PeerMessage.Header header, PeerMessage.Body body) {
    to.tell(PeerMessage.of(header, body), inbox(PeerInbox.Lane.ORDINARY));
  }

  /** What this process advertises. */
  String address() {
    return system.provider().getDefaultAddress().hostPort();
  }

  String serverVersion() {
    return serverVersion;
  }

  long nextNumber() {
    return numbers.incrementAndGet();
  }

  void leave(GroupLink link, GroupId group) {
    groups.remove(group, link);
  }

  ActorRef inbox(PeerInbox.Lane lane) {
    ActorRef inbox = inboxes.get(lane);
    if (inbox == null) {
      throw new IllegalStateException("no inbox for " + lane);
    }
    return inbox;
  }

  /** Priority messages ride on the control stream only when sent to a selection. */
  ActorSelection selection(PeerAddress address) {
    return system.actorSelection(path(address, PeerInbox.Lane.URGENT));
  }

  ActorRef reference(PeerAddress address, PeerInbox.Lane lane) {
    return system.provider().resolveActorRef(path(address, lane));
  }

  private String path(PeerAddress address, PeerInbox.Lane lane) {
    return "pekko://" + system.name() + "@" + address + "/system/" + lane.actorName();
  }
}
