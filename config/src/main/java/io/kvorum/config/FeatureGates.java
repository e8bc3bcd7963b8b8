package io.kvorum.config;

import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** etcd's feature gates. All are known; none can be changed yet. */
final class FeatureGates {

  private static final Set<String> ALPHA =
      Set.of(
          "CompactHashCheck",
          "InitialCorruptCheck",
          "LeaseCheckpoint",
          "LeaseCheckpointPersist",
          "PriorityRequest",
          "SetMemberLocalAddr",
          "StopGRPCServiceOnDefrag");

  private static final Set<String> BETA =
      Set.of("FastLeaseKeepAlive", "TxnModeWriteWithSharedBuffer");

  /** The gates that stand for all of a stage, with the stage's default. */
  private static final Map<String, Boolean> STAGES = Map.of("AllAlpha", false, "AllBeta", true);

  private FeatureGates() {}

  static void check(Settings settings) {
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
        case Parsed.Value<Boolean>(Boolean on) -> {
          boolean byDefault = STAGES.getOrDefault(name, BETA.contains(name));
          if (on != byDefault) {
            settings.refuseNotYet(OperationFlags.FEATURE_GATES, "; " + name + " is " + byDefault);
          }
        }
      }
    }
  }

  private static void refuse(Settings settings, String problem) {
    settings.refuse(OperationFlags.FEATURE_GATES, problem);
  }
}
