package io.kvorum.actors.telemetry;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * What the operating system says about this process, read at each scrape. From /proc where there is
 * one; where there is none, the figures that only it has are left out of the page.
 */
final class ProcessFigures {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path LIMITS = Path.of("/proc/self/limits");
  private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
  private static final double UNKNOWN = Double.NaN;

  private ProcessFigures() {}

  static void register(Telemetry telemetry) {
    telemetry.sampled("process_resident_memory_bytes", () -> statusBytes("VmRSS:"));
    telemetry.sampled("process_virtual_memory_bytes", () -> statusBytes("VmSize:"));
    telemetry.sampled("process_open_fds", ProcessFigures::openDescriptors);
    telemetry.sampled("process_max_fds", ProcessFigures::descriptorLimit);
    telemetry.sampled("os_fd_used", ProcessFigures::openDescriptors);
    telemetry.sampled("os_fd_limit", ProcessFigures::descriptorLimit);
    telemetry.sampled("process_start_time_seconds", ProcessFigures::startSeconds);
    telemetry.sampledCounter("process_cpu_seconds_total", Map.of(), ProcessFigures::cpuSeconds);
  }

  private static double cpuSeconds() {
    return ProcessHandle.current()
        .info()
        .totalCpuDuration()
        .map(d -> d.toNanos() / 1e9)
        .orElse(UNKNOWN);
  }

  private static double startSeconds() {
    return ProcessHandle.current()
        .info()
        .startInstant()
        .map(i -> i.toEpochMilli() / 1e3)
        .orElse(UNKNOWN);
  }

  private static double openDescriptors() {
    try (var descriptors = Files.list(DESCRIPTORS)) {
      // One of them is the directory being listed.
      return descriptors.count() - 1;
    } catch (IOException e) {
      return UNKNOWN;
    }
  }

  private static double descriptorLimit() {
    // "Max open files            1048576              1048576              files"
    var line = line(LIMITS, "Max open files");
    if (line.isEmpty()) {
      return UNKNOWN;
    }
    var soft = line.strip().split("\\s+", 2)[0];
    return soft.equals("unlimited") ? Double.POSITIVE_INFINITY : Double.parseDouble(soft);
  }

  private static double statusBytes(String field) {
    // "VmRSS:     83120 kB"
    var line = line(STATUS, field);
    return line.isEmpty() ? UNKNOWN : Double.parseDouble(line.strip().split("\\s+", 2)[0]) * 1024;
  }

  /** What follows {@code prefix} on its line, or nothing. */
  private static String line(Path file, String prefix) {
    try (var lines = Files.lines(file)) {
      return lines
          .filter(l -> l.startsWith(prefix))
          .findFirst()
          .map(l -> l.substring(prefix.length()))
          .orElse("");
    } catch (IOException e) {
      return "";
    }
  }
}
