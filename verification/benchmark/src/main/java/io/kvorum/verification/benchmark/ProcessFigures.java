package io.kvorum.verification.benchmark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the kernel says of a process. */
final class ProcessFigures {
  /** USER_HZ: fixed at 100 in what Linux shows to programs. */
  private static final long MICROS_PER_TICK = 10_000;

  private ProcessFigures() {}

  /** Processor time of all its threads so far, in microseconds, to the nearest 10 ms. */
  static long cpuMicros(long pid) {
    var stat = read("/proc/" + pid + "/stat");
    // the name in brackets may hold blanks; fields are counted behind it
    var fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) * MICROS_PER_TICK;
  }

  static long residentKib(long pid) {
    return statusKib(pid, "VmRSS:");
  }

  static long anonymousKib(long pid) {
    return statusKib(pid, "RssAnon:");
  }

  private static long statusKib(long pid, String name) {
    return read("/proc/" + pid + "/status")
        .lines()
        .filter(line -> line.startsWith(name))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("process " + pid + " has ended"));
  }

  private static String read(String path) {
    try {
      return Files.readString(Path.of(path));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
