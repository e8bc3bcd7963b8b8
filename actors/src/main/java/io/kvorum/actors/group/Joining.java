package io.kvorum.actors.group;

import io.kvorum.actors.cluster.PeerInfo;
import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;

/**
 * What a member without a log learns from its peers before it begins: whether the new cluster that
 * it is to make exists already, or who the members are of the cluster that it joins (etcd's
 * etcdserver/bootstrap.go, membership/cluster.go).
 */
final class Joining {
  /** What one peer said. */
  record Answer(String peerUrl, PeerInfo peer) {
    /** A member that joins itself, and has no log yet, knows nobody. */
    boolean isBootstrapped() {
      return peer.bootstrapped() && peer.membership().getMembersCount() > 0;
    }
  }

  /**
   * What a member that joins begins with.
   *
   * @param membership as the peers know it
   */
  record Ticket(LogIdentity identity, Membership membership) {}

  private Joining() {}

  /** Asks all other initial members at once; who does not answer in time is left out. */
  static CompletionStage<List<Answer>> askOthers(
      Peers peers, GroupSettings settings, Duration timeout) {
    List<CompletableFuture<Optional<Answer>>> questions = new ArrayList<>();
    settings
        .initialCluster()
        .members()
        .forEach(
            (name, urls) -> {
              if (!name.equals(settings.memberName())) {
                urls.forEach(url -> questions.add(ask(peers, url, timeout)));
              }
            });
    return CompletableFuture.allOf(questions.toArray(CompletableFuture[]::new))
        .thenApply(
            done ->
                questions.stream().map(CompletableFuture::join).flatMap(Optional::stream).toList());
  }

  private static CompletableFuture<Optional<Answer>> ask(
      Peers peers, String url, Duration timeout) {
    return peers
        .ask(url, timeout)
        .handle((peer, failure) -> Optional.ofNullable(peer).map(known -> new Answer(url, known)))
        .toCompletableFuture();
  }

  /**
   * Refuses to make a new cluster where one exists.
   *
   * @throws Bootstrap.RefusedException if this member has been part of it before, or if it is
   *     another cluster
   */
  static void refuseWhereBootstrapped(LogIdentity own, List<Answer> answers) {
    for (Answer answer : answers) {
      if (!answer.isBootstrapped()) {
        continue;
      }
      Optional<Membership.Member> known =
          answer.peer().membership().getMembersList().stream()
              .filter(member -> member.getId() == own.member().value())
              .findFirst();
      if (known.isPresent() && known.get().getClientUrlsCount() > 0) {
        throw new Bootstrap.RefusedException(
            "member "
                + own.member()
                + " has already been bootstrapped: "
                + answer.peerUrl()
                + " knows it, and its data is not here. Start it with its data directory, or"
                + " remove the member and add it anew");
      }
      if (answer.peer().clusterId() != own.clusterId()) {
        throw new Bootstrap.RefusedException(
            "cluster ID mismatch: "
                + answer.peerUrl()
                + " belongs to cluster "
                + Long.toHexString(answer.peer().clusterId())
                + ", --initial-cluster and --initial-cluster-token make cluster "
                + Long.toHexString(own.clusterId())
                + ". To join that one, use --initial-cluster-state=existing");
      }
    }
  }

  /**
   * Finds this member in the cluster that it joins.
   *
   * @param known whose log it is, if this member has begun to join before
   * @return empty if no peer knows a cluster yet
   * @throws Bootstrap.RefusedException if that cluster is not the one of {@code --initial-cluster}
   */
  static Optional<Ticket> join(
      GroupSettings settings, Optional<LogIdentity> known, List<Answer> answers) {
    Bootstrap.RefusedException refused = null;
    for (Answer answer : answers) {
      if (answer.isBootstrapped()) {
        try {
          return Optional.of(ticket(settings, known, answer));
        } catch (Bootstrap.RefusedException e) {
          // A peer that was cut off may tell of old times: hear the others too.
          refused = e;
        }
      }
    }
    if (refused != null) {
      throw refused;
    }
    return Optional.empty();
  }

  private static Ticket ticket(GroupSettings settings, Optional<LogIdentity> known, Answer answer) {
    Membership existing = answer.peer().membership();
    Collection<List<String>> named = settings.initialCluster().members().values();
    if (named.size() != existing.getMembersCount()) {
      throw mismatch(
          "member count is unequal",
          answer,
          named.size() + " in --initial-cluster, " + existing.getMembersCount() + " there",
          settings);
    }
    for (Membership.Member member : existing.getMembersList()) {
      if (named.stream().noneMatch(urls -> sameUrls(urls, member.getPeerUrlsList()))) {
        throw mismatch(
            "PeerURLs: no match found for existing member",
            answer,
            Long.toHexString(member.getId()) + " " + member.getPeerUrlsList(),
            settings);
      }
    }
    Membership.Member own = own(settings, answer);
    LogIdentity identity =
        new LogIdentity(
            settings.group(),
            answer.peer().clusterId(),
            new MemberId(own.getId()),
            settings.initialCluster().token());
    if (known.isPresent()) {
      refuseOtherIdentity(known.get(), identity, answer);
    } else if (!own.getName().isEmpty()) {
      throw new Bootstrap.RefusedException(
          "member "
              + identity.member()
              + " has already been started as "
              + own.getName()
              + ", and its data is not here: a member that forgot what it voted for would endanger"
              + " the cluster. Start it with its data directory, or remove the member and add it"
              + " anew");
    }
    return new Ticket(known.orElse(identity), existing);
  }

  private static Membership.Member own(GroupSettings settings, Answer answer) {
    List<String> urls = Bootstrap.ownUrls(settings);
    return answer.peer().membership().getMembersList().stream()
        .filter(member -> sameUrls(urls, member.getPeerUrlsList()))
        .findFirst()
        .orElseThrow(
            () ->
                mismatch("no member has the URLs of this one", answer, urls.toString(), settings));
  }

  private static void refuseOtherIdentity(LogIdentity known, LogIdentity found, Answer answer) {
    if (known.clusterId() != found.clusterId() || !known.member().equals(found.member())) {
      throw new Bootstrap.RefusedException(
          "the data directory belongs to member "
              + known.member()
              + " of cluster "
              + Long.toHexString(known.clusterId())
              + ", but "
              + answer.peerUrl()
              + " knows this member as "
              + found.member()
              + " of cluster "
              + Long.toHexString(found.clusterId())
              + ": remove the data directory to join as that one");
    }
  }

  private static Bootstrap.RefusedException mismatch(
      String what, Answer answer, String detail, GroupSettings settings) {
    return new Bootstrap.RefusedException(
        "error validating peerURLs: "
            + what
            + " ("
            + detail
            + "); --initial-cluster is "
            + settings.initialCluster().members()
            + ", "
            + answer.peerUrl()
            + " knows "
            + answer.peer().membership().getMembersList().stream()
                .map(member -> Long.toHexString(member.getId()) + "=" + member.getPeerUrlsList())
                .toList());
  }

  /** Equal as sets, by text or else by what the names resolve to, as etcd compares them. */
  private static boolean sameUrls(List<String> left, List<String> right) {
    return new TreeSet<>(left).equals(new TreeSet<>(right))
        || resolved(left).equals(resolved(right));
  }

  private static Set<String> resolved(List<String> urls) {
    return urls.stream().map(Joining::resolved).collect(Collectors.toCollection(TreeSet::new));
  }

  private static String resolved(String url) {
    try {
      URI uri = new URI(url);
      String host = Objects.requireNonNullElse(uri.getHost(), "");
      return uri.getScheme()
          + "://"
          + InetAddress.getByName(host).getHostAddress()
          + ":"
          + uri.getPort();
    } catch (URISyntaxException | UnknownHostException e) {
      // What cannot be resolved is compared as it stands.
      return url;
    }
  }
}
