package io.kvorum.config;

import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** etcd's feature gates. All are known; some can be changed. */
final class FeatureGates {
  static final String COMPACT_HASH_CHECK = "CompactHashCheck";
  static final String INITIAL_CORRUPT_CHECK = "InitialCorruptCheck";

  /** Those that have their effect here. */
  private static final Set<String> SUPPORTED = Set.of(COMPACT_HASH_CHECK, INITIAL_CORRUPT_CHECK);

  private static final Set<String> ALPHA =
      Set.of(
          COMPACT_HASH_CHECK,
          INITIAL_CORRUPT_CHECK,
          "LeaseCheckpoint",
          "LeaseCheckpointPersist",
          "PriorityRequest",
          "SetMemberLocalAddr",
          "StopGRPCServiceOnDefrag");

  private static final Set<String> BETA =
      Set.of("FastLeaseKeepAlive", "TxnModeWriteWithSharedBuffer");

  /** Off in etcd, and always on here: docs/decisions/0023-leases.md. */
  private static final Set<String> ALWAYS_ON =
      Set.of("LeaseCheckpoint", "LeaseCheckpointPersist", "PriorityRequest");

  /** The gates that stand for all of a stage, with the stage's default. */
  private static final Map<String, Boolean> STAGES = Map.of("AllAlpha", false, "AllBeta", true);

  private FeatureGates() {}

  /** The gates that are switched on and have their effect; the last word on each counts. */
  static Set<String> on(Settings settings, Findings findings) {
    Set<String> on = new HashSet<>();
    for (String entry : settings.list(OperationFlags.FEATURE_GATES)) {
      int equals = entry.indexOf('=');
      if (equals <= 0) {
        refuse(settings, "'" + entry + "' is not of the form Name=true or Name=false");
        continue;
      }
      String name = entry.substring(0, equals).strip();
      String word = entry.substring(equals + 1).strip();
      if (!ALPHA.contains(name) && !BETA.contains(name) && !STAGES.containsKey(name)) {
        refuse(settings, "unknown feature gate " + name);
        continue;
      }
      switch (GoValues.bool(word.toLowerCase(Locale.ROOT))) {
        case Parsed.Problem<Boolean>(String problem) ->
            refuse(settings, "'" + word + "' " + problem);
        case Parsed.Value<Boolean>(Boolean value) -> set(settings, findings, on, name, value);
      }
    }
    return Set.copyOf(on);
  }

  private static void set(
      Settings settings, Findings findings, Set<String> on, String name, boolean value) {
    boolean byDefault = STAGES.getOrDefault(name, BETA.contains(name));
    if (ALWAYS_ON.contains(name)) {
      if (!value) {
        findings.warn(
            "--feature-gates=" + name + "=false has no effect in Kvorum: it is always on");
      }
    } else if (value && SUPPORTED.contains(name)) {
      on.add(name);
    } else if (SUPPORTED.contains(name)) {
      on.remove(name);
    } else if (value != byDefault) {
      settings.refuseNotYet(OperationFlags.FEATURE_GATES, "; " + name + " is " + byDefault);
    }
  }

  private static void refuse(Settings settings, String problem) {
    settings.refuse(OperationFlags.FEATURE_GATES, problem);
  }
}
