package io.kvorum.kvorumutl;

import java.util.Locale;

/** Sizes for people, as etcd's tools write them: three digits or fewer, powers of 1000. */
final class ByteCount {
  private static final String[] UNITS = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};

  private ByteCount() {}

  static String text(long bytes) {
    if (bytes < 10) {
      return bytes + " B";
    }
    int unit = 0;
    double value = bytes;
    while (value >= 1000 && unit < UNITS.length - 1) {
      value /= 1000;
      unit++;
    }
    double rounded = Math.floor(value * 10 + 0.5) / 10;
    return rounded < 10
        ? String.format(Locale.ROOT, "%.1f %s", rounded, UNITS[unit])
        // Go rounds a half to the even side.
        : (long) Math.rint(rounded) + " " + UNITS[unit];
  }
}
