package io.kvorum.kvorumutl;

import java.io.PrintWriter;
import java.io.StringWriter;
import picocli.CommandLine;

/** The tool, run in this process. */
final class Tool {
  private Tool() {}

  /** What a command wrote and how it ended. */
  record Run(int exitCode, String out, String err) {}

  static Run run(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine line = Kvorumutl.commandLine();
    line.setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    int exitCode = line.execute(arguments);
    return new Run(exitCode, out.toString(), err.toString());
  }
}
