package io.kvorum.config;

import java.util.List;

/**
 * A configuration file's content, whichever syntax it was written in. Each node knows its line,
 * counted from 1, or 0 where the syntax does not tell.
 */
sealed interface FileNode {

  int line();

  /** A single value as it was written; {@code isNull} where the key stands without a value. */
  record Scalar(int line, String text, boolean isNull) implements FileNode {}

  /** A list. */
  record Sequence(int line, List<FileNode> items) implements FileNode {}

  /** Keys with their values, in the order of the file, duplicates included. */
  record Mapping(int line, List<Entry> entries) implements FileNode {}

  /** One key of a mapping. */
  record Entry(int line, String key, FileNode value) {}
}
