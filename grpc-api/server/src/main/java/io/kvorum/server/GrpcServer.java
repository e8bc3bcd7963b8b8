package io.kvorum.server;

import com.google.protobuf.Descriptors.FileDescriptor;
import com.typesafe.config.Config;
import io.kvorum.actors.group.Group;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.etcdserverpb.Rpc;
import io.kvorum.protocol.health.HealthOuterClass;
import io.kvorum.protocol.v3electionpb.ElectionOuterClass;
import io.kvorum.protocol.v3lockpb.LockOuterClass;
import io.kvorum.server.answers.Answers;
import io.kvorum.server.grpc.GrpcDispatcher;
import io.kvorum.server.grpc.GrpcLimits;
import io.kvorum.server.grpc.OpenStreams;
import io.kvorum.server.grpc.RpcMethod;
import io.kvorum.server.grpc.RpcTable;
import io.kvorum.server.http.Access;
import io.kvorum.server.http.Pages;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.apache.pekko.actor.Cancellable;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.event.Logging;
import org.apache.pekko.http.javadsl.Http;
import org.apache.pekko.http.javadsl.ServerBinding;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.settings.Http2ServerSettings;
import org.apache.pekko.http.javadsl.settings.ServerSettings;
import org.apache.pekko.stream.SystemMaterializer;

/**
 * The client port of a member: gRPC over plain HTTP/2 and the pages over HTTP/1.1 or HTTP/2 on the
 * same addresses.
 */
public final class GrpcServer {
  private static final List<FileDescriptor> CONTRACT =
      List.of(
          Rpc.getDescriptor(),
          LockOuterClass.getDescriptor(),
          ElectionOuterClass.getDescriptor(),
          HealthOuterClass.getDescriptor());

  private final List<ServerBinding> bindings;
  private final OpenStreams streams;
  private final Answers answers;
  private final List<Cancellable> checks;

  private GrpcServer(
      List<ServerBinding> bindings,
      OpenStreams streams,
      Answers answers,
      List<Cancellable> checks) {
    this.bindings = List.copyOf(bindings);
    this.streams = streams;
    this.answers = answers;
    this.checks = List.copyOf(checks);
  }

  /**
   * Opens all addresses, or none: the stage fails with the first address that cannot be bound.
   *
   * @param listen port 0 for one that the system chooses
   * @param metricsPage the text of {@code /metrics}; may block
   */
  public static CompletionStage<GrpcServer> bind(
      ActorSystem<?> system,
      List<InetSocketAddress> listen,
      Group group,
      GrpcServerOptions options,
      RpcMetrics metrics,
      Supplier<String> metricsPage) {
    OpenStreams streams = new OpenStreams();
    MemberGuard guard = new MemberGuard(group, metrics, streams);
    Reads reads = new Reads(group);
    Answers answers = new Answers(group);
    GrpcDispatcher grpc =
        new GrpcDispatcher(
            system,
            table(system, group, reads, answers, options, metrics),
            new GrpcLimits(options.maxReceiveBytes(), options.warnUnaryDuration().toNanos()),
            guard,
            streams);
    Pages pages =
        new Pages(
            system,
            new MemberProbe(group, reads, metrics),
            options.requestTimeout(),
            EtcdVersion.SERVER,
            metricsPage,
            new Access(options.corsOrigins(), options.hostWhitelist()));
    ServerSettings settings = settings(system.settings().config(), options);
    List<Cancellable> checks =
        List.of(guard.start(system, options.electionTimeout()), answers.start(system));
    return bindAll(system, listen, settings, request -> answer(grpc, pages, request))
        .whenComplete(
            (bindings, failure) -> {
              if (failure != null) {
                checks.forEach(Cancellable::cancel);
              }
            })
        .thenApply(bindings -> new GrpcServer(bindings, streams, answers, checks));
  }

  private static RpcTable table(
      ActorSystem<?> system,
      Group group,
      Reads reads,
      Answers answers,
      GrpcServerOptions options,
      RpcMetrics metrics) {
    List<RpcMethod> served = new ArrayList<>();
    RequestChecks checks = new RequestChecks(options.maxTxnOps());
    served.addAll(new KvService(group, reads, answers, checks, metrics).methods());
    served.addAll(new WatchService(group).methods());
    served.addAll(new LeaseService(group).methods());
    KeyQueue queues = new KeyQueue(group, reads, SystemMaterializer.get(system).materializer());
    served.addAll(new LockService(queues).methods());
    served.addAll(new ElectionService(queues).methods());
    served.addAll(new ClusterService(group).methods());
    served.addAll(new MaintenanceService(group, options.quotaBytes()).methods());
    served.addAll(new HealthService().methods());
    return RpcTable.of(CONTRACT, served, method -> metrics.method(method.name(), method.type()));
  }

  private static CompletionStage<HttpResponse> answer(
      GrpcDispatcher grpc, Pages pages, HttpRequest request) {
    if (GrpcDispatcher.isGrpc(request)) {
      return grpc.handle(request);
    }
    HttpResponse notGrpc = grpc.wrongContentType(request);
    return notGrpc != null ? CompletableFuture.completedFuture(notGrpc) : pages.handle(request);
  }

  private static CompletionStage<List<ServerBinding>> bindAll(
      ActorSystem<?> system,
      List<InetSocketAddress> listen,
      ServerSettings settings,
      org.apache.pekko.japi.function.Function<HttpRequest, CompletionStage<HttpResponse>> handler) {
    List<CompletableFuture<ServerBinding>> attempts = new ArrayList<>();
    for (InetSocketAddress address : listen) {
      attempts.add(
          Http.get(system)
              .newServerAt(address.getHostString(), address.getPort())
              .withSettings(settings)
              // A logger of its own name: what peers do wrong is logged here as an error.
              .logTo(Logging.getLogger(system.classicSystem(), "io.kvorum.server.connections"))
              .bind(handler)
              .toCompletableFuture());
    }
    return CompletableFuture.allOf(attempts.toArray(CompletableFuture[]::new))
        .handle(
            (done, failure) -> {
              if (failure == null) {
                return CompletableFuture.completedFuture(
                    attempts.stream().map(CompletableFuture::join).toList());
              }
              attempts.forEach(attempt -> attempt.thenAccept(ServerBinding::unbind));
              return CompletableFuture.<List<ServerBinding>>failedFuture(failure);
            })
        .thenCompose(result -> result);
  }

  /** Pekko HTTP's settings with this server's section over them, and the flags over both. */
  static ServerSettings settings(Config root, GrpcServerOptions options) {
    Config merged = root.getConfig("kvorum.server").withOnlyPath("pekko.http").withFallback(root);
    ServerSettings settings = ServerSettings.create(merged);
    Http2ServerSettings http2 = settings.getHttp2Settings();
    int streams = (int) Math.min(options.maxConcurrentStreams(), http2.getMaxConcurrentStreams());
    http2 = http2.withMaxConcurrentStreams(streams);
    Duration timeout = options.keepaliveTimeout();
    Duration interval = options.keepaliveInterval();
    if (timeout.isPositive() && interval.isPositive()) {
      Duration tick = timeout.compareTo(interval) < 0 ? timeout : interval;
      // Pekko pings on whole ticks of the timeout.
      long ticks = Math.ceilDiv(interval.toMillis(), tick.toMillis());
      http2 = http2.withPingTimeout(tick).withPingInterval(tick.multipliedBy(ticks));
    }
    return settings.withHttp2Settings(http2);
  }

  /** The addresses as bound, in the order they were given. */
  public List<InetSocketAddress> addresses() {
    return bindings.stream().map(ServerBinding::localAddress).toList();
  }

  /** Streaming calls now open. */
  public int openStreams() {
    return streams.size();
  }

  /** Answers under way that are too large to be forgotten once they are given. */
  public int openAnswers() {
    return answers.openAnswers();
  }

  /** What those have in memory. */
  public long openAnswerBytes() {
    return answers.openBytes();
  }

  /**
   * Takes no more connections or calls, ends the streams with "server stopped", lets unary calls
   * finish within {@code deadline}, and closes what is left.
   */
  public CompletionStage<Void> terminate(Duration deadline) {
    checks.forEach(Cancellable::cancel);
    List<CompletableFuture<?>> ends = new ArrayList<>();
    for (ServerBinding binding : bindings) {
      ends.add(binding.terminate(deadline).toCompletableFuture());
    }
    streams.endAll(EtcdError.STOPPED.status());
    return CompletableFuture.allOf(ends.toArray(CompletableFuture[]::new));
  }
}
