package io.kvorum.config;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads the settings of a configuration file: HOCON if its name ends in {@code .conf}, else etcd's
 * YAML or JSON. A key without a value, or with an empty one, is not set.
 */
final class ConfigFile {

  /** Far more than any configuration needs; guards against a wrong file. */
  private static final long MAX_FILE_BYTES = 1_048_576;

  private final Path file;
  private final Findings findings;
  private final Map<Flag, Setting> given = new LinkedHashMap<>();

  private ConfigFile(Path file, Findings findings) {
    this.file = file;
    this.findings = findings;
  }

  /** The file's settings; what is wrong with it goes to the findings. */
  static Map<Flag, Setting> read(Setting fileSetting, Findings findings) {
    Path file = Path.of(fileSetting.text());
    Parsed<FileNode.Mapping> parsed;
    try {
      if (Files.size(file) > MAX_FILE_BYTES) {
        findings.error(fileSetting.quote() + ": is larger than " + MAX_FILE_BYTES + " bytes");
        return Map.of();
      }
      String content = Files.readString(file);
      parsed = file.toString().endsWith(".conf") ? HoconFile.parse(file) : YamlFile.parse(content);
    } catch (NoSuchFileException e) {
      parsed = Parsed.problem("does not exist");
    } catch (CharacterCodingException e) {
      parsed = Parsed.problem("is not UTF-8 text");
    } catch (IOException e) {
      parsed = Parsed.problem("cannot be read: " + e.getMessage());
    }
    ConfigFile reader = new ConfigFile(file, findings);
    switch (parsed) {
      case Parsed.Value<FileNode.Mapping>(FileNode.Mapping root) -> reader.walk("", root);
      case Parsed.Problem<FileNode.Mapping>(String problem) ->
          findings.error(fileSetting.quote() + ": " + problem);
    }
    return reader.given;
  }

  private void walk(String prefix, FileNode.Mapping mapping) {
    for (FileNode.Entry entry : mapping.entries()) {
      String key = prefix + entry.key();
      Flag flag = Flags.byFileKey(key);
      if (flag != null) {
        take(flag, key, entry);
      } else if (Flags.isFileSection(key) && isSection(entry.value())) {
        walk(key + ".", entry.value() instanceof FileNode.Mapping m ? m : empty());
      } else if (!isLeftover(key, entry.value())) {
        findings.error(
            place(entry.line())
                + ": unknown key "
                + key
                + Suggestion.phrase("", key, Flags.fileKeys()));
      }
    }
  }

  private static boolean isSection(FileNode node) {
    return node instanceof FileNode.Mapping || isUnset(node);
  }

  private static FileNode.Mapping empty() {
    return new FileNode.Mapping(0, List.of());
  }

  /** etcd's own sample file still has empty keys of flags that no longer exist. */
  private static boolean isLeftover(String key, FileNode value) {
    return isUnset(value) && Flags.byName(key) != null;
  }

  private static boolean isUnset(FileNode node) {
    return node instanceof FileNode.Scalar scalar && (scalar.isNull() || scalar.text().isEmpty());
  }

  private void take(Flag flag, String key, FileNode.Entry entry) {
    Origin origin = new Origin.FileKey(place(entry.line()), key);
    if (isUnset(entry.value())) {
      return;
    }
    String written = text(flag, entry.value());
    if (written == null) {
      findings.error(origin.quote("does not take this form; it takes " + flag.typeLabel()));
      return;
    }
    Setting setting = new Setting(flag, inFlagForm(flag, written), written, origin);
    if (given.put(flag, setting) != null) {
      findings.error(place(entry.line()) + ": " + key + " is given twice");
    }
  }

  /** A list becomes the flag's comma-separated form, and so do the pairs of a map-like flag. */
  private static @Nullable String text(Flag flag, FileNode node) {
    List<String> parts = new ArrayList<>();
    switch (node) {
      case FileNode.Scalar scalar -> {
        return scalar.text();
      }
      case FileNode.Sequence(int line, List<FileNode> items) -> {
        boolean isList = flag.type() == FlagType.URL_LIST || flag.type() == FlagType.STRING_LIST;
        for (FileNode item : items) {
          if (!isList || !(item instanceof FileNode.Scalar scalar)) {
            return null;
          }
          parts.add(scalar.text());
        }
      }
      case FileNode.Mapping(int line, List<FileNode.Entry> entries) -> {
        boolean isMap = flag.type() == FlagType.MEMBERS || flag.type() == FlagType.GATES;
        for (FileNode.Entry entry : entries) {
          if (!isMap || !(entry.value() instanceof FileNode.Scalar scalar)) {
            return null;
          }
          parts.add(entry.key() + "=" + scalar.text());
        }
      }
    }
    return String.join(",", parts);
  }

  /** etcd's files give durations as whole nanoseconds; Go's form is taken as well. */
  private static String inFlagForm(Flag flag, String written) {
    boolean bareNumber = written.length() <= 18 && written.matches("-?\\d+");
    return flag.type() == FlagType.DURATION && bareNumber
        ? GoDuration.format(Duration.ofNanos(Long.parseLong(written)))
        : written;
  }

  private String place(int line) {
    return line > 0 ? file + ":" + line : file.toString();
  }
}
