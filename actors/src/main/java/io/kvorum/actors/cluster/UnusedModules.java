package io.kvorum.actors.cluster;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigUtil;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Parts of Pekko that come along with Pekko Cluster and are not used here. Every actor system makes
 * all serializers that any module on the class path names; those of these modules alone load 250
 * classes.
 */
public final class UnusedModules {
  private static final List<String> PACKAGES =
      List.of(
          "org.apache.pekko.cluster.ddata.",
          "org.apache.pekko.cluster.client.",
          "org.apache.pekko.cluster.pubsub.",
          "org.apache.pekko.cluster.singleton.");

  private static final String SERIALIZERS = "pekko.actor.serializers";
  private static final String BINDINGS = "pekko.actor.serialization-bindings";

  private UnusedModules() {}

  /** The configuration of an actor system without their serializers. */
  public static Config leftOutOf(Config config) {
    Set<String> unused = names(config, SERIALIZERS, UnusedModules::isUnused);
    Set<String> bound = names(config, BINDINGS, unused::contains);
    Config rest = config;
    for (String name : unused) {
      rest = rest.withoutPath(ConfigUtil.joinPath("pekko", "actor", "serializers", name));
    }
    for (String name : bound) {
      rest =
          rest.withoutPath(ConfigUtil.joinPath("pekko", "actor", "serialization-bindings", name));
    }
    return rest;
  }

  private static boolean isUnused(String className) {
    return PACKAGES.stream().anyMatch(className::startsWith);
  }

  /** Keys at a path whose value is of interest. */
  private static Set<String> names(Config config, String path, Predicate<String> isOfInterest) {
    return config.getObject(path).entrySet().stream()
        .filter(e -> isOfInterest.test(String.valueOf(e.getValue().unwrapped())))
        .map(Map.Entry::getKey)
        .collect(Collectors.toSet());
  }
}
