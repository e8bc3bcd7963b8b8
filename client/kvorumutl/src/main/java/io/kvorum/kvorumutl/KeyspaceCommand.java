package io.kvorum.kvorumutl;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.ByteString;
import io.kvorum.persistence.mvcc.KeyspaceInspection;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/** {@code kvorumutl keyspace}: what the keyspace holds. */
@CommandLine.Command(
    name = "keyspace",
    description =
        "Looks into the keyspace of a stopped server. Prints JSON objects, each on a line of its"
            + " own; bytes that are no readable text stand as {\"hex\":\"...\"}.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND")
final class KeyspaceCommand {
  @CommandLine.Spec
  private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

  /** Of every subcommand. */
  static final class Place {
    @CommandLine.Option(
        names = "--data-dir",
        paramLabel = "DIR",
        required = true,
        description = "Of a server that does not run.")
    private Path dataDirectory = Path.of("");

    KeyspaceInspection open() {
      return DataFiles.inspect(dataDirectory);
    }
  }

  @CommandLine.Command(
      description =
          "How far it has come, its members, alarms, and whatever else is kept beside the data.",
      mixinStandardHelpOptions = true)
  int meta(@CommandLine.Mixin Place place) {
    PrintWriter out = spec.commandLine().getOut();
    try (KeyspaceInspection keyspace = place.open()) {
      out.println(MetaJson.of(keyspace));
    }
    out.flush();
    return 0;
  }

  @CommandLine.Command(
      description = "The keys that live, with their newest records, in the order of keys.",
      mixinStandardHelpOptions = true)
  int keys(
      @CommandLine.Mixin Place place,
      @CommandLine.Option(
              names = "--prefix",
              paramLabel = "TEXT",
              description = "Only keys that begin so.")
          @Nullable String prefix,
      @CommandLine.Option(
              names = "--prefix-hex",
              paramLabel = "DIGITS",
              description = "The same, in hexadecimal.")
          @Nullable String prefixHex,
      @CommandLine.Option(names = "--limit", paramLabel = "N", description = "As many at most.")
          long limit) {
    byte[] from = prefix(prefix, prefixHex);
    try (KeyspaceInspection keyspace = place.open();
        Lines lines = new Lines(spec.commandLine().getOut(), limit)) {
      keyspace.keys(from, key -> lines.add(MessageJson.of(key)));
    }
    return 0;
  }

  private byte[] prefix(@Nullable String text, @Nullable String digits) {
    if (text != null && digits != null) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--prefix and --prefix-hex exclude each other");
    }
    if (digits == null) {
      return text == null ? new byte[0] : text.getBytes(UTF_8);
    }
    try {
      return HexFormat.of().parseHex(digits);
    } catch (IllegalArgumentException e) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--prefix-hex=" + digits + ": " + e.getMessage(), e);
    }
  }

  @CommandLine.Command(
      description = {
        "The stored records of revisions, in their order.",
        "Below the compacted revision only those are left that lived there."
      },
      mixinStandardHelpOptions = true)
  int revisions(
      @CommandLine.Mixin Place place,
      @CommandLine.Option(names = "--from", paramLabel = "N", description = "The first revision.")
          long from,
      @CommandLine.Option(names = "--to", paramLabel = "N", description = "The last revision.")
          @Nullable Long to,
      @CommandLine.Option(names = "--limit", paramLabel = "N", description = "As many at most.")
          long limit) {
    try (KeyspaceInspection keyspace = place.open();
        Lines lines = new Lines(spec.commandLine().getOut(), limit)) {
      keyspace.records(from, to == null ? Long.MAX_VALUE : to, record -> lines.add(json(record)));
    }
    return 0;
  }

  private static JsonLine json(KeyspaceInspection.StoredRecord record) {
    JsonLine line = new JsonLine().number("revision", record.main()).number("sub", record.sub());
    if (!record.tombstone()) {
      return line.text("type", "put").raw("kv", MessageJson.of(record.keyValue()));
    }
    ByteString key = record.keyValue().getKey();
    return line.text("type", "delete").raw("key", JsonLine.bytes(key));
  }
}
