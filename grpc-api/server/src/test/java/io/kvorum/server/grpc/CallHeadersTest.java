package io.kvorum.server.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CallHeadersTest {
  @ParameterizedTest
  @CsvSource({
    "0S,0",
    "1n,1",
    "3u,3000",
    "250m,250000000",
    "5S,5000000000",
    "2M,120000000000",
    "1H,3600000000000",
    "99999999n,99999999",
    "99999999H,9223372036854775807"
  })
  void timeouts(String value, long nanos) {
    assertEquals(nanos, CallHeaders.timeoutNanos(value));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "S", "5", "5s", "-1S", "1.5S", "123456789S", "0x1S", " 1S"})
  void whatIsNoTimeout(String value) {
    assertThrows(IllegalArgumentException.class, () -> CallHeaders.timeoutNanos(value));
  }

  @Test
  void nothingSaid() {
    CallHeaders headers = CallHeaders.of(HttpRequest.create());
    assertEquals(CallHeaders.NO_TIMEOUT, headers.timeoutNanos());
    assertNull(headers.encoding());
    assertNull(headers.clientApiVersion());
    assertNull(headers.malformed());
    assertFalse(headers.requireLeader());
  }

  @Test
  void metadataOfEtcdsClients() {
    CallHeaders headers =
        CallHeaders.of(
            HttpRequest.create()
                .withHeaders(
                    List.of(
                        RawHeader.create("hasleader", "true"),
                        RawHeader.create("hasleader", "false"),
                        RawHeader.create("client-api-version", "3.7.1"),
                        RawHeader.create("grpc-encoding", "gzip"),
                        RawHeader.create("grpc-timeout", "1S"))));
    assertTrue(headers.requireLeader());
    assertEquals("3.7.1", headers.clientApiVersion());
    assertEquals("gzip", headers.encoding());
    assertEquals(1_000_000_000L, headers.timeoutNanos());
  }

  @Test
  void aTimeoutThatCannotBeReadIsRefused() {
    CallHeaders headers =
        CallHeaders.of(HttpRequest.create().addHeader(RawHeader.create("grpc-timeout", "10s")));
    assertNotNull(headers.malformed());
    assertEquals(
        "malformed grpc-timeout: transport: timeout unit is not recognized: \"10s\"",
        headers.malformed().getDescription());
  }
}
