package io.kvorum.config;

import java.util.List;

/** What came of the settings that a process was started with. */
public sealed interface ConfigResult {

  /** All is well: start with this, after logging the warnings. */
  record Loaded(ServerConfig config, List<String> warnings) implements ConfigResult {}

  /**
   * Nothing may start. Every error is listed, one line each.
   *
   * @param exitCode etcd's: 2 when the command line cannot be understood, 1 when settings are wrong
   */
  record Refused(List<String> errors, int exitCode) implements ConfigResult {}

  /** The usage text was asked for. */
  record Help(String text) implements ConfigResult {}

  /**
   * The versions were asked for.
   *
   * @param text the lines to print, etcd's version first
   */
  record Version(String text) implements ConfigResult {}
}
