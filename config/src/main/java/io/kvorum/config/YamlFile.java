package io.kvorum.config;

import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

/**
 * Reads YAML, and JSON as the part of YAML that it is. Works on the syntax tree, so that values
 * keep the form they were written in ({@code name: 007} stays 007) and messages can name lines.
 */
final class YamlFile {

  /** Deeper nesting than any setting has; bounds the walk through anchors that form a cycle. */
  private static final int MAX_DEPTH = 16;

  private YamlFile() {}

  static Parsed<FileNode.Mapping> parse(String content) {
    Node root;
    try {
      root = new Yaml(new LoaderOptions()).compose(new StringReader(content));
    } catch (MarkedYAMLException e) {
      String where =
          e.getProblemMark() == null ? "" : " (line " + (e.getProblemMark().getLine() + 1) + ")";
      return Parsed.problem("is not valid YAML: " + e.getProblem() + where);
    } catch (YAMLException e) {
      return Parsed.problem("is not valid YAML: " + e.getMessage());
    }
    if (root == null || root.getTag().equals(Tag.NULL)) {
      return Parsed.value(new FileNode.Mapping(0, List.of()));
    }
    try {
      return convert(root, 0) instanceof FileNode.Mapping mapping
          ? Parsed.value(mapping)
          : Parsed.problem("must hold keys with values");
    } catch (TooDeepException e) {
      return Parsed.problem("is nested too deeply");
    }
  }

  private static FileNode convert(Node node, int depth) throws TooDeepException {
    if (depth > MAX_DEPTH) {
      throw new TooDeepException();
    }
    int line = node.getStartMark().getLine() + 1;
    switch (node) {
      case ScalarNode scalar -> {
        return new FileNode.Scalar(line, scalar.getValue(), scalar.getTag().equals(Tag.NULL));
      }
      case SequenceNode sequence -> {
        List<FileNode> items = new ArrayList<>();
        for (Node item : sequence.getValue()) {
          items.add(convert(item, depth + 1));
        }
        return new FileNode.Sequence(line, items);
      }
      case MappingNode mapping -> {
        List<FileNode.Entry> entries = new ArrayList<>();
        for (NodeTuple tuple : mapping.getValue()) {
          int keyLine = tuple.getKeyNode().getStartMark().getLine() + 1;
          String key = tuple.getKeyNode() instanceof ScalarNode scalar ? scalar.getValue() : "?";
          entries.add(new FileNode.Entry(keyLine, key, convert(tuple.getValueNode(), depth + 1)));
        }
        return new FileNode.Mapping(line, entries);
      }
      default -> throw new IllegalStateException("unknown kind of YAML node: " + node);
    }
  }

  private static final class TooDeepException extends Exception {
    private static final long serialVersionUID = 1L;
  }
}
