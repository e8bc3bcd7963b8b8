package io.kvorum.deploy;

import io.kvorum.actors.group.GroupSettings;
import io.kvorum.actors.raft.RaftSettings;
import io.kvorum.config.EndpointUrl;
import io.kvorum.config.ServerConfig;
import io.kvorum.protocol.GroupId;
import io.kvorum.server.GrpcServerOptions;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** From what the operator wrote to what each room wants to know. */
final class Settings {
  static final GroupId GROUP = GroupId.DEFAULT;

  private static final Duration DEFAULT_WATCH_PROGRESS_INTERVAL = Duration.ofMinutes(10);

  private Settings() {}

  static GroupSettings group(ServerConfig config) {
    ServerConfig.RaftConfig raft = config.raft();
    Map<String, List<String>> initialCluster = new LinkedHashMap<>();
    config
        .cluster()
        .initialCluster()
        .forEach((name, urls) -> initialCluster.put(name, texts(urls)));
    Duration progress = config.clientApi().watchProgressNotifyInterval();
    return new GroupSettings(
        GROUP,
        config.member().name(),
        initialCluster,
        config.cluster().initialClusterToken(),
        config.cluster().initialClusterTokenGiven(),
        texts(config.cluster().advertiseClientUrls()),
        RaftSettings.of(
            raft.electionTimeoutTicks(), 1, raft.preVote(), raft.snapshotCatchupEntries()),
        Duration.ofMillis(raft.heartbeatIntervalMillis()),
        raft.requestTimeout(),
        config.clientApi().maxRequestBytes(),
        raft.snapshotCountEntries(),
        progress.isZero() ? DEFAULT_WATCH_PROGRESS_INTERVAL : progress);
  }

  static GrpcServerOptions grpc(ServerConfig config) {
    ServerConfig.ClientApiConfig api = config.clientApi();
    return new GrpcServerOptions(
        api.maxRequestBytes(),
        api.maxTxnOps(),
        api.maxConcurrentStreams(),
        api.keepaliveInterval(),
        api.keepaliveTimeout(),
        Duration.ofMillis(config.raft().electionTimeoutMillis()),
        config.raft().requestTimeout(),
        api.warningUnaryRequestDuration(),
        config.storage().quotaBytes(),
        Set.of("*"),
        Set.of("*"));
  }

  /**
   * The addresses of all client URLs; {@code localhost} is bound as the first address it resolves
   * to.
   */
  static List<InetSocketAddress> listenAddresses(ServerConfig config) {
    List<InetSocketAddress> addresses = new ArrayList<>();
    for (EndpointUrl url : config.clientApi().listenClientUrls()) {
      addresses.add(new InetSocketAddress(url.host(), url.port()));
    }
    return addresses;
  }

  private static List<String> texts(List<EndpointUrl> urls) {
    return urls.stream().map(EndpointUrl::toString).toList();
  }
}
