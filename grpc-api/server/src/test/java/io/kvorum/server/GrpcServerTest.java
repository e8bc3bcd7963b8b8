package io.kvorum.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionException;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.http.javadsl.settings.ServerSettings;
import org.junit.jupiter.api.Test;

/** Binding, settings and end of the client port. */
class GrpcServerTest {
  private static GrpcServerOptions options(
      long maxConcurrentStreams, Duration keepaliveInterval, Duration keepaliveTimeout) {
    GrpcServerOptions o = GrpcServerOptions.defaults();
    return new GrpcServerOptions(
        o.maxRequestBytes(),
        o.maxTxnOps(),
        maxConcurrentStreams,
        keepaliveInterval,
        keepaliveTimeout,
        o.electionTimeout(),
        o.requestTimeout(),
        o.warnUnaryDuration(),
        o.quotaBytes(),
        Set.of(),
        Set.of());
  }

  private static ServerSettings settings(long streams, Duration interval, Duration timeout) {
    return GrpcServer.settings(ConfigFactory.load(), options(streams, interval, timeout));
  }

  @Test
  void settingsAreOursAndTheFlags() {
    ServerSettings settings = settings(0xffff_ffffL, Duration.ofHours(2), Duration.ofSeconds(20));
    assertTrue(settings.enableHttp2());
    assertFalse(settings.getTimeouts().idleTimeout().isFinite());
    assertEquals(2_048, settings.getHttp2Settings().getMaxConcurrentStreams());
    assertEquals(Duration.ofHours(2), settings.getHttp2Settings().getPingInterval());
    assertEquals(
        7, settings(7, Duration.ZERO, Duration.ZERO).getHttp2Settings().getMaxConcurrentStreams());
    assertEquals(
        Duration.ZERO,
        settings(7, Duration.ZERO, Duration.ofSeconds(1)).getHttp2Settings().getPingInterval());
  }

  @Test
  void pingIntervalsAreWholeMultiplesOfTheTimeout() {
    assertEquals(
        Duration.ofSeconds(12),
        settings(7, Duration.ofSeconds(10), Duration.ofSeconds(4))
            .getHttp2Settings()
            .getPingInterval());
    assertEquals(
        Duration.ofSeconds(1),
        settings(7, Duration.ofSeconds(1), Duration.ofSeconds(4))
            .getHttp2Settings()
            .getPingInterval());
  }

  @Test
  void anAddressInUseOpensNone() throws IOException {
    ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "bind-test");
    try (ServerFixture taken = new ServerFixture();
        FakeGroup group = new FakeGroup()) {
      InetSocketAddress free;
      try (var socket = new java.net.ServerSocket(0)) {
        free = new InetSocketAddress("127.0.0.1", socket.getLocalPort());
      }
      var bound =
          GrpcServer.bind(
              system,
              List.of(free, new InetSocketAddress("127.0.0.1", taken.port())),
              group,
              GrpcServerOptions.defaults(),
              new RecordingMetrics(),
              () -> "");
      assertThrows(CompletionException.class, () -> bound.toCompletableFuture().join());
      ServerFixture.await("the free address is closed again", () -> !accepts(free));
    } finally {
      system.terminate();
      system.getWhenTerminated().toCompletableFuture().join();
    }
  }

  @Test
  void anEndedServerTakesNoConnection() {
    try (ServerFixture fixture = new ServerFixture()) {
      InetSocketAddress address = fixture.server.addresses().getFirst();
      assertTrue(accepts(address));
      fixture.server.terminate(Duration.ofSeconds(5)).toCompletableFuture().join();
      assertFalse(accepts(address));
    }
  }

  private static boolean accepts(InetSocketAddress address) {
    try (Socket socket = new Socket(address.getAddress(), address.getPort())) {
      return socket.isConnected();
    } catch (IOException refused) {
      return false;
    }
  }
}
