package io.kvorum.config;

import static io.kvorum.config.ClusterFlags.ADVERTISE_CLIENT_URLS;
import static io.kvorum.config.ClusterFlags.INITIAL_ADVERTISE_PEER_URLS;
import static io.kvorum.config.ClusterFlags.INITIAL_CLUSTER;
import static io.kvorum.config.ClusterFlags.INITIAL_CLUSTER_STATE;
import static io.kvorum.config.MemberFlags.LISTEN_CLIENT_URLS;
import static io.kvorum.config.MemberFlags.LISTEN_PEER_URLS;

import io.kvorum.config.ServerConfig.ClusterConfig;
import io.kvorum.config.ServerConfig.MemberConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Builds the cluster's record, and checks the rules that tie URLs and members together. */
final class ClusterAssembly {

  private final Settings settings;
  private final Findings findings;
  private final MemberConfig member;
  private final List<EndpointUrl> listenPeerUrls;
  private final List<EndpointUrl> listenClientUrls;
  private final List<EndpointUrl> advertisePeerUrls;

  ClusterAssembly(Settings settings, Findings findings, MemberConfig member) {
    this.settings = settings;
    this.findings = findings;
    this.member = member;
    this.listenPeerUrls = listenUrls(LISTEN_PEER_URLS);
    this.listenClientUrls = listenUrls(LISTEN_CLIENT_URLS);
    this.advertisePeerUrls = advertisedUrls(INITIAL_ADVERTISE_PEER_URLS);
  }

  List<EndpointUrl> listenClientUrls() {
    return listenClientUrls;
  }

  ClusterConfig cluster() {
    checkListenersApart();
    checkOnePeerListener();
    SortedMap<String, List<EndpointUrl>> members = initialCluster();
    boolean joining = settings.choice(INITIAL_CLUSTER_STATE).equals("existing");
    if (joining && members.size() < 2 && !holdsMember(member.walDirectory())) {
      settings.refuseTogether(
          INITIAL_CLUSTER_STATE,
          "needs --initial-cluster with this member and those of the cluster to join");
    }
    return new ClusterConfig(
        listenPeerUrls,
        advertisePeerUrls,
        settings.isSet(INITIAL_ADVERTISE_PEER_URLS),
        advertiseClientUrls(),
        members,
        joining,
        settings.text(ClusterFlags.INITIAL_CLUSTER_TOKEN),
        settings.isSet(ClusterFlags.INITIAL_CLUSTER_TOKEN),
        settings.bool(OperationFlags.FORCE_NEW_CLUSTER),
        settings.bool(ClusterFlags.STRICT_RECONFIG_CHECK),
        (int) settings.number(ClusterFlags.MAX_LEARNERS, 0, Integer.MAX_VALUE));
  }

  /** The transport between members has one listener, which is also the address they know it by. */
  private void checkOnePeerListener() {
    if (listenPeerUrls.size() > 1) {
      settings.refuseNotYet(LISTEN_PEER_URLS, "; only one URL");
    }
    if (advertisePeerUrls.size() > 1) {
      settings.refuseNotYet(INITIAL_ADVERTISE_PEER_URLS, "; only one URL");
    }
    for (EndpointUrl url : listenPeerUrls) {
      if (!url.isUnixSocket() && url.port() == 0) {
        settings.refuse(LISTEN_PEER_URLS, "'" + url + "' must have a port");
      }
    }
    for (EndpointUrl url : advertisePeerUrls) {
      if (url.isTls() || url.isUnixSocket()) {
        settings.refuseNotYet(INITIAL_ADVERTISE_PEER_URLS, "; only http://");
      }
    }
  }

  /** A listener needs an address, not a name that may mean another machine: etcd's rule. */
  private List<EndpointUrl> listenUrls(Flag flag) {
    List<EndpointUrl> urls = settings.urls(flag);
    if (settings.list(flag).isEmpty()) {
      settings.refuse(flag, "must name at least one URL");
    }
    for (EndpointUrl url : urls) {
      if (url.isTls() || url.isUnixSocket()) {
        settings.refuseNotYet(flag, "; only http://");
      } else if (!url.host().equals("localhost") && !isIpAddress(url.host())) {
        settings.refuse(flag, "'" + url + "' must have an IP address or localhost to listen on");
      }
    }
    return urls;
  }

  private List<EndpointUrl> advertisedUrls(Flag flag) {
    List<EndpointUrl> urls = settings.urls(flag);
    if (settings.list(flag).isEmpty()) {
      settings.refuse(flag, "must name at least one URL");
    }
    for (EndpointUrl url : urls) {
      if (!url.isUnixSocket() && (url.host().isEmpty() || url.port() == 0)) {
        settings.refuse(flag, "'" + url + "' must have a host and a port that others can reach");
      }
    }
    return urls;
  }

  /**
   * Whoever moves the client listener by flag or variable must say what to advertise; in a file the
   * default stays. Both are etcd's ways.
   */
  private List<EndpointUrl> advertiseClientUrls() {
    Setting listen = settings.setting(LISTEN_CLIENT_URLS);
    if (listen != null
        && !(listen.origin() instanceof Origin.FileKey)
        && !settings.isSet(ADVERTISE_CLIENT_URLS)) {
      settings.refuseTogether(
          LISTEN_CLIENT_URLS, "needs --advertise-client-urls as well, the URLs clients are told");
    }
    return advertisedUrls(ADVERTISE_CLIENT_URLS);
  }

  private void checkListenersApart() {
    Set<String> peerAddresses =
        listenPeerUrls.stream().map(EndpointUrl::address).collect(Collectors.toSet());
    for (EndpointUrl url : listenClientUrls) {
      if (url.port() != 0 && peerAddresses.contains(url.address())) {
        settings.refuseTogether(
            LISTEN_CLIENT_URLS, url.address() + " is also in --listen-peer-urls");
      }
    }
  }

  private SortedMap<String, List<EndpointUrl>> initialCluster() {
    SortedMap<String, List<EndpointUrl>> members = new TreeMap<>();
    if (!settings.isSet(INITIAL_CLUSTER)) {
      members.put(member.name(), advertisePeerUrls);
      return Collections.unmodifiableSortedMap(members);
    }
    boolean readable = true;
    for (String entry : settings.list(INITIAL_CLUSTER)) {
      readable &= addMember(members, entry);
    }
    if (readable) {
      checkOwnEntry(members);
      checkUrls(members);
    }
    members.replaceAll((name, urls) -> urls.stream().distinct().sorted().toList());
    return Collections.unmodifiableSortedMap(members);
  }

  /** Several entries of one name add up: a member may have several URLs. */
  private boolean addMember(SortedMap<String, List<EndpointUrl>> members, String entry) {
    int equals = entry.indexOf('=');
    if (equals <= 0) {
      settings.refuse(INITIAL_CLUSTER, "'" + entry + "' is not of the form name=http://host:port");
      return false;
    }
    switch (EndpointUrl.parse(entry.substring(equals + 1))) {
      case Parsed.Value<EndpointUrl>(EndpointUrl url) -> {
        members.computeIfAbsent(entry.substring(0, equals), name -> new ArrayList<>()).add(url);
        return true;
      }
      case Parsed.Problem<EndpointUrl>(String problem) -> {
        settings.refuse(INITIAL_CLUSTER, "'" + entry.substring(equals + 1) + "' " + problem);
        return false;
      }
    }
  }

  private void checkUrls(SortedMap<String, List<EndpointUrl>> members) {
    Map<String, String> owners = new HashMap<>();
    members.forEach(
        (name, urls) -> {
          for (EndpointUrl url : new TreeSet<>(urls)) {
            String other = owners.putIfAbsent(url.text(), name);
            if (other != null) {
              settings.refuse(
                  INITIAL_CLUSTER, "has duplicate url " + url + ", of " + other + " and " + name);
            }
          }
          if (urls.stream().anyMatch(url -> url.isTls() || url.isUnixSocket())) {
            settings.refuseNotYet(INITIAL_CLUSTER, "; only http://");
          }
        });
  }

  /** The rules of a first start; with data they no longer matter, and etcd ignores the flag. */
  private void checkOwnEntry(SortedMap<String, List<EndpointUrl>> members) {
    List<String> problems = new ArrayList<>();
    List<EndpointUrl> own = members.get(member.name());
    if (own == null) {
      problems.add(
          "must contain this member, --name=" + member.name() + "; it has " + members.keySet());
    } else if (!joining() && !sameAddresses(own, advertisePeerUrls)) {
      problems.add(
          member.name()
              + " must have the URLs of --initial-advertise-peer-urls, "
              + join(advertisePeerUrls));
    }
    if (!problems.isEmpty() && holdsMember(member.walDirectory())) {
      Setting setting = settings.setting(INITIAL_CLUSTER);
      findings.warn(
          (setting == null ? INITIAL_CLUSTER.dashed() : setting.quote())
              + " is ignored: the data directory already holds a member");
      return;
    }
    problems.forEach(problem -> settings.refuseTogether(INITIAL_CLUSTER, problem));
  }

  /** Who joins is found by its URLs in --initial-cluster alone, as in etcd. */
  private boolean joining() {
    return settings.text(INITIAL_CLUSTER_STATE).equals("existing");
  }

  private static String join(List<EndpointUrl> urls) {
    return urls.stream().map(EndpointUrl::text).collect(Collectors.joining(","));
  }

  /** True if a log has been started there: something lies in its directory. */
  private static boolean holdsMember(Path walDirectory) {
    if (!Files.isDirectory(walDirectory)) {
      return false;
    }
    try (DirectoryStream<Path> content = Files.newDirectoryStream(walDirectory)) {
      return content.iterator().hasNext();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look into " + walDirectory, e);
    }
  }

  /** Equal as sets, by text or else by what the names resolve to, as etcd compares them. */
  private static boolean sameAddresses(List<EndpointUrl> left, List<EndpointUrl> right) {
    return new TreeSet<>(left).equals(new TreeSet<>(right))
        || resolved(left).equals(resolved(right));
  }

  private static Set<String> resolved(List<EndpointUrl> urls) {
    Set<String> addresses = new TreeSet<>();
    for (EndpointUrl url : urls) {
      String host = url.host();
      try {
        host = InetAddress.getByName(url.host()).getHostAddress();
      } catch (UnknownHostException e) {
        // A name that does not resolve is compared as it stands; the comparison tells the rest.
        host = url.host();
      }
      addresses.add(url.scheme() + "://" + host + ":" + url.port());
    }
    return addresses;
  }

  /** Told by its letters, without asking the network. */
  private static boolean isIpAddress(String host) {
    if (host.indexOf(':') >= 0) {
      return host.chars()
          .allMatch(c -> c == ':' || c == '.' || c == '%' || Character.isLetterOrDigit(c));
    }
    String[] parts = host.split("\\.", -1);
    if (parts.length != 4) {
      return false;
    }
    for (String part : parts) {
      if (!part.matches("\\d{1,3}") || Integer.parseInt(part) > 255) {
        return false;
      }
    }
    return true;
  }
}
