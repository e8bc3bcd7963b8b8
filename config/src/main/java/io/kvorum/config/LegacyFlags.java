package io.kvorum.config;

import java.util.List;
import java.util.stream.Stream;

/** Flags that etcd has long dropped and still accepts in silence, so that old scripts start. */
final class LegacyFlags {

  static final List<Flag> ALL =
      Stream.of(
              "cluster-active-size",
              "cluster-remove-delay",
              "cluster-sync-interval",
              "config",
              "force",
              "max-result-buffer",
              "max-retry-attempts",
              "peer-heartbeat-interval",
              "peer-election-timeout",
              "retry-interval",
              "snapshot",
              "v",
              "vv",
              "test.coverprofile",
              "test.outputdir")
          .map(
              name ->
                  Flag.of("Legacy", name, FlagType.IGNORED, "", "accepted, does nothing")
                      .withFileKey(null)
                      .with(Support.IGNORED_LEGACY))
          .toList();

  private LegacyFlags() {}
}
