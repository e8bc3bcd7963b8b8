package io.kvorum.config;

import java.util.Collection;

/** Finds the name that a mistyped one was probably meant to be. */
final class Suggestion {

  private Suggestion() {}

  /** {@code "; did you mean --x?"}, or nothing if no name is near. */
  static String phrase(String prefix, String mistyped, Collection<String> known) {
    String nearest = "";
    // A third of the letters may differ, so that short names do not match everything.
    int least = Math.max(2, mistyped.length() / 3) + 1;
    for (String name : known) {
      int distance = distance(mistyped, name);
      if (distance < least) {
        least = distance;
        nearest = name;
      }
    }
    return nearest.isEmpty() ? "" : "; did you mean " + prefix + nearest + "?";
  }

  /** Levenshtein's distance: the least insertions, removals and replacements of single letters. */
  static int distance(String from, String to) {
    int[] above = new int[to.length() + 1];
    for (int j = 0; j <= to.length(); j++) {
      above[j] = j;
    }
    for (int i = 1; i <= from.length(); i++) {
      int[] row = new int[to.length() + 1];
      row[0] = i;
      for (int j = 1; j <= to.length(); j++) {
        int replaced = above[j - 1] + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(replaced, Math.min(above[j], row[j - 1]) + 1);
      }
      above = row;
    }
    return above[to.length()];
  }
}
