package io.kvorum.kvorumutl;

import java.io.BufferedWriter;
import java.io.PrintWriter;

/**
 * Writes lines to a stdout that may be read slowly, or no longer: {@code kvorumutl ... | head} ends
 * early and without noise. Not thread safe.
 */
final class Lines implements AutoCloseable {
  private static final int LINES_PER_FLUSH = 1000;

  private final PrintWriter out;
  private final long limit;
  private long written;
  private boolean broken;

  /**
   * @param limit of lines; 0 for none
   */
  Lines(PrintWriter out, long limit) {
    this.out = new PrintWriter(new BufferedWriter(out, 1 << 16));
    this.limit = limit;
  }

  /** Whether more lines are wanted. */
  boolean add(Object line) {
    out.print(line);
    out.print('\n');
    written++;
    if (written % LINES_PER_FLUSH == 0) {
      broken = out.checkError();
    }
    return !broken && written != limit;
  }

  @Override
  public void close() {
    out.flush();
  }
}
