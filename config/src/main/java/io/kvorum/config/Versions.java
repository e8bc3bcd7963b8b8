package io.kvorum.config;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/** The versions that Kvorum tells, each from its one place. */
public final class Versions {

  /** The etcd release whose behaviour Kvorum has; clients decide by it what they may ask for. */
  public static final String ETCD = "3.7.1";

  /** The version that a cluster of such members agrees on. */
  public static final String ETCD_CLUSTER = "3.7.0";

  private static final String RESOURCE = "version.properties";

  private Versions() {}

  /** Kvorum's own version, which the build takes from the root {@code pom.xml}. */
  public static String kvorum() {
    Properties properties = new Properties();
    try (InputStream stream = Versions.class.getResourceAsStream(RESOURCE)) {
      if (stream == null) {
        throw new IllegalStateException("the build left out " + RESOURCE);
      }
      properties.load(stream);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + RESOURCE, e);
    }
    return properties.getProperty("kvorum.version", "unknown");
  }

  /** The lines of {@code --version}; scripts read etcd's from the first one. */
  static String text() {
    return String.join(
        System.lineSeparator(),
        "etcd Version: " + ETCD,
        "Kvorum Version: " + kvorum(),
        "Java Version: " + System.getProperty("java.runtime.version"),
        "Java OS/Arch: " + System.getProperty("os.name") + "/" + System.getProperty("os.arch"));
  }
}
