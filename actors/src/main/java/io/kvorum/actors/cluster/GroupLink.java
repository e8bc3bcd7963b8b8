package io.kvorum.actors.cluster;

import com.google.protobuf.ByteString;
import io.kvorum.actors.raft.RaftMessage;
import io.kvorum.actors.snapshot.SnapshotMessage;
import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import io.kvorum.protocol.internal.PeerRefusal;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.pekko.actor.ActorRef;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Checks what comes in for one group, and knows the ways to its members. */
final class GroupLink implements GroupPeers {
  private static final Logger log = LoggerFactory.getLogger(GroupLink.class);

  /** A sender is refused, and complained about, no more often than this. */
  private static final Duration REFUSAL_INTERVAL = Duration.ofSeconds(1);

  private static final Duration COMPLAINT_INTERVAL = Duration.ofMinutes(1);

  /** Whoever misdials is remembered up to this many addresses. */
  private static final int MAX_COMPLAINTS = 256;

  private static final int MAX_OPEN_QUESTIONS = 4096;

  /** Beyond, who is not known is not answered until the log has caught up. */
  private static final int MAX_NEWCOMERS = 16;

  private final PeerNetwork network;
  private final LogIdentity identity;
  private final PeerHandler handler;
  private final Map<Long, CompletableFuture<ByteString>> asked = new ConcurrentHashMap<>();
  private final Map<String, Long> lastRefusals = new ConcurrentHashMap<>();
  private final Map<String, Long> lastComplaints = new ConcurrentHashMap<>();
  private volatile Map<MemberId, Peer> peers = Map.of();

  /**
   * Members of the cluster that this one's log does not know yet, at the addresses that they speak
   * from: a member that was away may find one of them leading, and must be able to answer it.
   */
  private volatile Map<MemberId, Peer> newcomers = Map.of();

  private volatile Set<MemberId> removed = Set.of();

  GroupLink(PeerNetwork network, LogIdentity identity, PeerHandler handler) {
    this.network = network;
    this.identity = identity;
    this.handler = handler;
  }

  @Override
  public synchronized void members(Membership membership) {
    Map<MemberId, Peer> known = peers;
    Map<MemberId, Peer> next = new HashMap<>();
    for (Membership.Member member : membership.getMembersList()) {
      MemberId id = new MemberId(member.getId());
      if (!id.equals(identity.member()) && member.getPeerUrlsCount() > 0) {
        addressOf(member, known.get(id), next);
      }
    }
    peers = Map.copyOf(next);
    removed =
        membership.getRemovedIdsList().stream()
            .map(MemberId::new)
            .collect(Collectors.toUnmodifiableSet());
    Map<MemberId, Peer> unknown = new HashMap<>(newcomers);
    unknown.keySet().removeIf(id -> peers.containsKey(id) || removed.contains(id));
    newcomers = Map.copyOf(unknown);
  }

  private synchronized void remember(MemberId newcomer, ActorRef sender) {
    Optional<String> host = sender.path().address().getHost();
    Map<MemberId, Peer> unknown = new HashMap<>(newcomers);
    if (host.isPresent() && !peers.containsKey(newcomer) && unknown.size() < MAX_NEWCOMERS) {
      int port = sender.path().address().getPort().orElse(0);
      PeerAddress address = new PeerAddress(host.get(), port);
      unknown.put(newcomer, new Peer(network, header(newcomer), address));
      newcomers = Map.copyOf(unknown);
      log.info("member {} at {} is not known here yet, and is answered there", newcomer, address);
    }
  }

  private void addressOf(Membership.Member member, @Nullable Peer known, Map<MemberId, Peer> next) {
    MemberId id = new MemberId(member.getId());
    try {
      PeerAddress address = PeerAddress.of(member.getPeerUrls(0));
      next.put(
          id,
          known != null && known.address.equals(address)
              ? known
              : new Peer(network, header(id), address));
    } catch (IllegalArgumentException e) {
      log.error("member {} cannot be reached: {}", id, e.getMessage());
    }
  }

  @Override
  public void send(MemberId to, RaftMessage message) {
    send(to, new PeerMessage.Raft(message));
  }

  @Override
  public void send(MemberId to, SnapshotMessage message) {
    send(to, new PeerMessage.Snapshot(message));
  }

  private void send(MemberId to, PeerMessage.Body body) {
    Peer peer = peers.get(to);
    if (peer == null) {
      peer = newcomers.get(to);
    }
    if (peer != null) {
      peer.send(body);
    }
  }

  private PeerMessage.Header header(MemberId to) {
    return new PeerMessage.Header(
        network.serverVersion(), identity.clusterId(), identity.group(), identity.member(), to);
  }

  @Override
  public CompletionStage<ByteString> ask(MemberId to, ByteString question, Duration timeout) {
    if (asked.size() >= MAX_OPEN_QUESTIONS) {
      return CompletableFuture.failedFuture(
          new IllegalStateException(MAX_OPEN_QUESTIONS + " questions to members are open"));
    }
    long number = network.nextNumber();
    CompletableFuture<ByteString> answer = new CompletableFuture<>();
    asked.put(number, answer);
    send(to, new PeerMessage.Question(number, question));
    return answer
        .orTimeout(timeout.toMillis(), TimeUnit.MILLISECONDS)
        .whenComplete((body, failure) -> asked.remove(number));
  }

  @Override
  public Map<MemberId, Link> links() {
    return peers.entrySet().stream()
        .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, e -> e.getValue().link()));
  }

  PekkoCluster.Candidates candidates() {
    Map<MemberId, Peer> others = peers;
    boolean first =
        others.keySet().stream()
            .allMatch(other -> Long.compareUnsigned(identity.member().value(), other.value()) < 0);
    return new PekkoCluster.Candidates(
        first,
        others.size(),
        others.values().stream().filter(Peer::isConnected).map(peer -> peer.address).toList());
  }

  void ping(boolean warm) {
    for (Peer peer : peers.values()) {
      peer.send(new PeerMessage.Ping());
      if (warm) {
        peer.keepWarm();
      }
    }
  }

  void noticeSilence() {
    for (Peer peer : peers.values()) {
      if (peer.fellSilent()) {
        log.warn("lost contact with member {} at {}", peer.member, peer.address);
        handler.unreachable(peer.member);
      }
      if (peer.isMissing()) {
        log.warn(
            "no contact with member {} so far: it is not up, or not at {}, or knows this member by"
                + " another address than {}",
            peer.member,
            peer.address,
            network.address());
      }
      if (peer.isRedialDue()) {
        network.redial(peer.address);
      }
    }
  }

  void receive(PeerMessage.Header header, PeerMessage.Body body, ActorRef sender) {
    if (body instanceof PeerMessage.Refusal refusal) {
      refused(header, refusal, sender);
    } else if (header.clusterId() != identity.clusterId()) {
      refuse(
          header,
          sender,
          PeerRefusal.Reason.OTHER_CLUSTER,
          "cluster "
              + Long.toHexString(identity.clusterId())
              + " runs here, not "
              + Long.toHexString(header.clusterId()));
    } else if (removed.contains(header.from())) {
      refuse(
          header,
          sender,
          PeerRefusal.Reason.REMOVED,
          "member " + header.from() + " was removed from the cluster");
    } else if (!header.to().equals(identity.member())) {
      refuse(
          header,
          sender,
          PeerRefusal.Reason.OTHER_MEMBER,
          "member " + identity.member() + " runs here, not " + header.to());
    } else {
      heard(header, sender);
      deliver(header, body, sender);
    }
  }

  private void heard(PeerMessage.Header header, ActorRef sender) {
    Peer peer = peers.get(header.from());
    if (peer == null && !newcomers.containsKey(header.from())) {
      remember(header.from(), sender);
    }
    if (peer != null
        && !peer.heard(header.serverVersion())
        && peer.heardAnew(header.serverVersion())) {
      log.info(
          "in contact with member {} at {}, version {}",
          peer.member,
          peer.address,
          header.serverVersion());
    }
  }

  private void deliver(PeerMessage.Header header, PeerMessage.Body body, ActorRef sender) {
    switch (body) {
      case PeerMessage.Raft(var message) -> handler.raft(header.from(), message);
      case PeerMessage.Snapshot(var message) -> handler.snapshot(header.from(), message);
      case PeerMessage.Question(var number, var question) ->
          handler
              .question(header.from(), question)
              .thenAccept(
                  answer ->
                      network.reply(
                          sender, header(header.from()), new PeerMessage.Answer(number, answer)));
      case PeerMessage.Answer(var number, var answer) -> {
        CompletableFuture<ByteString> waiting = asked.get(number);
        if (waiting != null) {
          waiting.complete(answer);
        }
      }
      case PeerMessage.Ping() -> {}
      case PeerMessage.Unknown() ->
          complain(sender, "member " + header.from() + " says what this version does not know");
      case PeerMessage.Refusal _, PeerMessage.InfoRequest _, PeerMessage.InfoResponse _ ->
          throw new IllegalArgumentException("not for a group: " + body);
    }
  }

  private void refused(PeerMessage.Header header, PeerMessage.Refusal refusal, ActorRef sender) {
    complain(sender, "refused by " + sender.path().address().hostPort() + ": " + refusal.text());
    if (refusal.reason() == PeerRefusal.Reason.REMOVED
        && header.clusterId() == identity.clusterId()
        && header.to().equals(identity.member())) {
      handler.removed(header.from());
    }
  }

  private void refuse(
      PeerMessage.Header header, ActorRef sender, PeerRefusal.Reason reason, String text) {
    String address = sender.path().address().toString();
    if (isDue(lastRefusals, address, REFUSAL_INTERVAL)) {
      network.reply(sender, header(header.from()), new PeerMessage.Refusal(reason, text));
    }
    complain(sender, "refused member " + header.from() + ": " + text);
  }

  private void complain(ActorRef sender, String what) {
    if (isDue(lastComplaints, sender.path().address().toString(), COMPLAINT_INTERVAL)) {
      log.warn("{} ({})", what, sender.path().address().hostPort());
    }
  }

  private static boolean isDue(Map<String, Long> last, String key, Duration interval) {
    if (last.size() >= MAX_COMPLAINTS) {
      last.clear();
    }
    long now = System.nanoTime();
    Long before = last.get(key);
    if (before != null && now - before < interval.toNanos()) {
      return false;
    }
    last.put(key, now);
    return true;
  }

  @Override
  public void close() {
    network.leave(this, identity.group());
  }
}
