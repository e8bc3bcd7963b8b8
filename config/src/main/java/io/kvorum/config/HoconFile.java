package io.kvorum.config;

import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;

/** Reads HOCON, with its includes and its substitutions from the environment. */
final class HoconFile {

  private HoconFile() {}

  static Parsed<FileNode.Mapping> parse(Path file) {
    try {
      // parseFile takes a missing file for an empty one; the caller has read it, so it is there.
      return Parsed.value(mapping(ConfigFactory.parseFile(file.toFile()).resolve().root()));
    } catch (ConfigException e) {
      return Parsed.problem("is not valid HOCON: " + e.getMessage());
    }
  }

  private static FileNode.Mapping mapping(ConfigObject object) {
    List<FileNode.Entry> entries =
        object.entrySet().stream()
            .map(e -> new FileNode.Entry(line(e.getValue()), e.getKey(), convert(e.getValue())))
            .sorted(Comparator.comparing(FileNode.Entry::line).thenComparing(FileNode.Entry::key))
            .toList();
    return new FileNode.Mapping(line(object), entries);
  }

  private static FileNode convert(ConfigValue value) {
    return switch (value) {
      case ConfigObject object -> mapping(object);
      case ConfigList list ->
          new FileNode.Sequence(line(list), list.stream().map(HoconFile::convert).toList());
      default -> {
        boolean isNull = value.valueType() == ConfigValueType.NULL;
        yield new FileNode.Scalar(
            line(value), isNull ? "" : String.valueOf(value.unwrapped()), isNull);
      }
    };
  }

  private static int line(ConfigValue value) {
    return Math.max(0, value.origin().lineNumber());
  }
}
