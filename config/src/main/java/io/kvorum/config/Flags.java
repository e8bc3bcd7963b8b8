package io.kvorum.config;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The one table of settings: every flag of etcd 3.7.1, by subject, and our own. Whoever adds a
 * feature changes its flag's line from {@link Support#NOT_YET} here and nowhere else.
 */
final class Flags {

  private static final Map<String, Flag> BY_NAME = new LinkedHashMap<>();
  private static final Map<String, Flag> BY_ENVIRONMENT = new HashMap<>();
  private static final Map<String, Flag> BY_FILE_KEY = new LinkedHashMap<>();

  static {
    List<Flag> flags = new ArrayList<>();
    flags.addAll(MemberFlags.ALL);
    flags.addAll(ClusterFlags.ALL);
    flags.addAll(SecurityFlags.ALL);
    flags.addAll(OperationFlags.ALL);
    flags.addAll(LegacyFlags.ALL);
    for (Flag flag : flags) {
      register(BY_NAME, flag.name(), flag);
      register(BY_ENVIRONMENT, flag.environment(), flag);
      register(BY_FILE_KEY, flag.fileKey(), flag);
    }
    for (Flag flag : TuningSettings.ALL) {
      register(BY_FILE_KEY, flag.fileKey(), flag);
    }
  }

  private Flags() {}

  private static void register(Map<String, Flag> table, @Nullable String key, Flag flag) {
    if (key != null && table.put(key, flag) != null) {
      throw new IllegalStateException("two settings share the key " + key);
    }
  }

  /** All flags, in the order of the usage text. Our own file-only settings are not among them. */
  static Collection<Flag> all() {
    return Collections.unmodifiableCollection(BY_NAME.values());
  }

  static @Nullable Flag byName(String name) {
    return BY_NAME.get(name);
  }

  static @Nullable Flag byEnvironment(String variable) {
    return BY_ENVIRONMENT.get(variable);
  }

  /** The setting of a dotted key of a configuration file. */
  static @Nullable Flag byFileKey(String key) {
    return BY_FILE_KEY.get(key);
  }

  /** True if some setting's key lies below this one. */
  static boolean isFileSection(String key) {
    String prefix = key + ".";
    return BY_FILE_KEY.keySet().stream().anyMatch(k -> k.startsWith(prefix));
  }

  static Collection<String> names() {
    return Collections.unmodifiableSet(BY_NAME.keySet());
  }

  static Collection<String> environmentNames() {
    return Collections.unmodifiableSet(BY_ENVIRONMENT.keySet());
  }

  static Collection<String> fileKeys() {
    return Collections.unmodifiableSet(BY_FILE_KEY.keySet());
  }
}
