package io.kvorum.verification.conformance.cluster;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.ClusterGrpc;
import io.etcd.jetcd.api.MaintenanceGrpc;
import io.etcd.jetcd.api.MemberListRequest;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.StatusRequest;
import io.etcd.jetcd.api.StatusResponse;
import io.grpc.StatusRuntimeException;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.ServerProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One member of a cluster: a process in its slot of the network, and what it says of itself. */
public final class Member implements AutoCloseable {
  private static final Duration STATUS_LIMIT = Duration.ofSeconds(1);
  private static final Duration LIST_LIMIT = Duration.ofSeconds(5);
  private static final Duration PAGE_LIMIT = Duration.ofSeconds(10);

  private final int slot;
  private final String name;
  private final ServerProcess server;
  private @Nullable Connection connection;
  private volatile boolean paused;

  Member(int slot, String name, ServerProcess server) {
    this.slot = slot;
    this.name = name;
    this.server = server;
  }

  public int slot() {
    return slot;
  }

  public String name() {
    return name;
  }

  public ServerProcess server() {
    return server;
  }

  public String address() {
    return server.address();
  }

  public String peerUrl() {
    return server.place().peerUrl();
  }

  /** Open as long as the member is; for questions, not for load. */
  public synchronized Connection connection() {
    if (connection == null) connection = Connection.to(address());
    return connection;
  }

  /** What it says of itself, unless it does not answer within a second. */
  public Optional<StatusResponse> status() {
    if (!isServing()) return Optional.empty();
    try {
      return Optional.of(
          MaintenanceGrpc.newBlockingStub(connection().channel())
              .withDeadlineAfter(STATUS_LIMIT.toMillis(), TimeUnit.MILLISECONDS)
              .status(StatusRequest.getDefaultInstance()));
    } catch (StatusRuntimeException silent) {
      connection().channel().resetConnectBackoff();
      return Optional.empty();
    }
  }

  public boolean isServing() {
    return server.isAlive() && !paused;
  }

  public boolean isPaused() {
    return paused;
  }

  public void pause() {
    server.pause();
    paused = true;
  }

  public void resume() {
    server.resume();
    paused = false;
  }

  /** SIGKILL. A paused process ends by it as well. */
  public void kill() {
    server.kill();
    paused = false;
  }

  /** True when a put through this member is acknowledged in time. */
  public boolean takesWrite(Duration limit) {
    var key = ByteString.copyFromUtf8("probe/" + name);
    try {
      var unused =
          connection().kv(limit).put(PutRequest.newBuilder().setKey(key).setValue(key).build());
      return true;
    } catch (StatusRuntimeException notYet) {
      connection().channel().resetConnectBackoff();
      return false;
    }
  }

  /** The members as this one knows them, in the order of their ids, as text to compare. */
  public List<String> memberList() {
    var list =
        ClusterGrpc.newBlockingStub(connection().channel())
            .withDeadlineAfter(LIST_LIMIT.toMillis(), TimeUnit.MILLISECONDS)
            .memberList(MemberListRequest.getDefaultInstance());
    var byId = new TreeMap<String, String>();
    for (var member : list.getMembersList())
      byId.put(
          Long.toHexString(member.getID()),
          "%s %s %s%s"
              .formatted(
                  member.getName(),
                  member.getPeerURLsList(),
                  member.getClientURLsList(),
                  member.getIsLearner() ? " learner" : ""));
    return byId.entrySet().stream().map(e -> e.getKey() + " " + e.getValue()).toList();
  }

  /** The sum of a counter's values over all its labels; 0 while it has none. */
  public double counter(String metric) {
    var request =
        HttpRequest.newBuilder(URI.create(server.clientUrl() + "/metrics"))
            .timeout(PAGE_LIMIT)
            .build();
    try (var client = HttpClient.newBuilder().connectTimeout(PAGE_LIMIT).build()) {
      var page = client.send(request, HttpResponse.BodyHandlers.ofString()).body();
      return page.lines()
          .filter(line -> line.startsWith(metric + "{") || line.startsWith(metric + " "))
          .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
          .sum();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Override
  public String toString() {
    return name;
  }

  /** Ends the process and removes its data. */
  @Override
  public synchronized void close() {
    if (connection != null) connection.close();
    server.close();
  }
}
