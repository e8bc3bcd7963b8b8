package io.kvorum.kvorumutl;

import java.io.PrintWriter;
import java.util.concurrent.TimeUnit;

/** Tells a person who waits how far it is: a line every two seconds, and none for short work. */
final class Progress {
  private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(2);

  private final PrintWriter to;
  private final String doing;
  private final long totalBytes;
  private long toldNanos = System.nanoTime();

  /**
   * @param doing for example {@code importing}
   */
  Progress(PrintWriter to, String doing, long totalBytes) {
    this.to = to;
    this.doing = doing;
    this.totalBytes = totalBytes;
  }

  void at(long bytes) {
    if (System.nanoTime() - toldNanos < INTERVAL_NANOS) {
      return;
    }
    toldNanos = System.nanoTime();
    long percent = totalBytes == 0 ? 100 : Math.min(100, bytes * 100 / totalBytes);
    to.println(doing + ": " + percent + " % of " + ByteCount.text(totalBytes));
    to.flush();
  }
}
