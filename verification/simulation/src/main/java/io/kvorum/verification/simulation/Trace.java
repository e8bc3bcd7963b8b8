package io.kvorum.verification.simulation;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The newest of what happened, put into words only when somebody reads it. */
final class Trace {
  /** Older ones are forgotten. */
  static final int MAX_LINES = 400;

  /** One thing that happened at a member, or to the cluster if there is none. */
  record Line(long at, @Nullable Object who, Object what) {
    String time() {
      return String.format(Locale.ROOT, "%9.3f", at / 1000.0);
    }

    String text() {
      return (who == null ? "" : who + " ") + Wording.of(what);
    }
  }

  private final Agenda agenda;
  private final ArrayDeque<Line> lines = new ArrayDeque<>();
  private @Nullable Consumer<Line> reader;
  private long digest;

  Trace(Agenda agenda) {
    this.agenda = agenda;
  }

  /** Is given every line from now on. */
  void read(Consumer<Line> newReader) {
    reader = newReader;
  }

  void note(@Nullable Object who, Object what) {
    Line line = new Line(agenda.now(), who, what);
    digest = 31 * (31 * digest + line.at()) + what.getClass().getSimpleName().hashCode();
    if (lines.size() == MAX_LINES) {
      lines.removeFirst();
    }
    lines.addLast(line);
    if (reader != null) {
      reader.accept(line);
    }
  }

  /** Of when what kind of thing happened, from the beginning. */
  long digest() {
    return digest;
  }

  List<String> tail(int count) {
    return lines.stream()
        .skip(Math.max(0, lines.size() - count))
        .map(l -> l.time() + " ms  " + l.text())
        .toList();
  }
}
