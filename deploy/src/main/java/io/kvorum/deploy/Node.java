package io.kvorum.deploy;

import io.kvorum.config.ServerConfig;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One running server. */
final class Node {

  private static final Logger LOG = LoggerFactory.getLogger(Node.class);

  private Node() {}

  /** Starts and stays until the process is told to end. */
  static void start(ServerConfig config) {
    LOG.atInfo()
        .addKeyValue("data-dir", config.member().dataDirectory())
        .addKeyValue("listen-client-urls", config.clientApi().listenClientUrls())
        .log("ready to serve client requests");
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
