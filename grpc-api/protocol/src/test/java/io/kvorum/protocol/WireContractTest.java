package io.kvorum.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.OneofDescriptor;
import io.kvorum.protocol.authpb.User;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.health.HealthCheckRequest;
import io.kvorum.protocol.mvccpb.KeyValue;
import io.kvorum.protocol.v3electionpb.CampaignRequest;
import io.kvorum.protocol.v3lockpb.LockRequest;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Every message, field, enum value and method of the compiled descriptors stands in etcd's table,
 * and every row of the table is compiled: nothing missing, nothing extra.
 */
class WireContractTest {
  private static final List<FileDescriptor> FILES =
      List.of(
          RangeRequest.getDescriptor().getFile(),
          KeyValue.getDescriptor().getFile(),
          User.getDescriptor().getFile(),
          LockRequest.getDescriptor().getFile(),
          CampaignRequest.getDescriptor().getFile());
  private static final FileDescriptor HEALTH = HealthCheckRequest.getDescriptor().getFile();

  @Test
  void messagesFieldsAndOneofsAreThoseOfTheTable() {
    TreeSet<String> compiled = new TreeSet<>();
    FILES.forEach(file -> file.getMessageTypes().forEach(m -> describe(m, compiled)));
    assertEquals(expected("message-field", "message-empty"), compiled);
  }

  @Test
  void enumValuesAreThoseOfTheTable() {
    TreeSet<String> compiled = new TreeSet<>();
    for (FileDescriptor file : FILES) {
      file.getEnumTypes().forEach(e -> describe(e, compiled));
      file.getMessageTypes().forEach(m -> describeEnums(m, compiled));
    }
    assertEquals(expected("enum-value"), compiled);
  }

  @Test
  void methodsAreThoseOfTheTable() {
    TreeSet<String> compiled = new TreeSet<>();
    Stream.concat(FILES.stream(), Stream.of(HEALTH))
        .flatMap(file -> file.getServices().stream())
        .flatMap(service -> service.getMethods().stream())
        .forEach(method -> compiled.add(line(method)));
    assertEquals(expected("rpc"), compiled);
  }

  @Test
  void packagesAreFlatAndSyntaxIsProto3() {
    assertEquals(
        List.of("etcdserverpb", "mvccpb", "authpb", "v3lockpb", "v3electionpb"),
        FILES.stream().map(FileDescriptor::getPackage).toList());
    assertEquals("grpc.health.v1", HEALTH.getPackage());
    for (FileDescriptor file : FILES) {
      assertEquals("proto3", file.toProto().getSyntax(), file.getName());
      assertTrue(file.getExtensions().isEmpty(), file.getName());
    }
  }

  private static TreeSet<String> expected(String... kinds) {
    TreeSet<String> lines = new TreeSet<>();
    for (String[] row : ContractTable.rows("wire.tsv", 10)) {
      if (List.of(kinds).contains(row[0])) {
        lines.add(
            switch (row[0]) {
              case "message-empty" -> row[1] + " has no fields";
              case "rpc" -> row[1] + "/" + row[2] + ": " + row[4];
              case "enum-value" -> row[1] + "." + row[2] + " = " + row[3];
              default -> fieldLine(row[1], row[2], row[3], row[4], row[5]);
            });
      }
    }
    return lines;
  }

  private static String fieldLine(
      String owner, String name, String number, String type, String label) {
    return owner + "." + name + " = " + number + ": " + label + " " + type;
  }

  private static void describe(Descriptor message, TreeSet<String> into) {
    if (message.getFields().isEmpty()) {
      into.add(owner(message) + " has no fields");
    }
    for (FieldDescriptor field : message.getFields()) {
      into.add(
          fieldLine(
              owner(message),
              field.getName(),
              Integer.toString(field.getNumber()),
              type(field),
              label(field)));
    }
    message.getNestedTypes().forEach(nested -> describe(nested, into));
  }

  private static String owner(Descriptor message) {
    return message.getFullName();
  }

  private static String label(FieldDescriptor field) {
    OneofDescriptor oneof = field.getRealContainingOneof();
    if (oneof != null) {
      return "oneof:" + oneof.getName();
    }
    if (field.isMapField()) {
      return "map";
    }
    return field.isRepeated() ? "repeated" : field.hasOptionalKeyword() ? "optional" : "singular";
  }

  private static String type(FieldDescriptor field) {
    return switch (field.getJavaType()) {
      case MESSAGE -> field.getMessageType().getFullName();
      case ENUM -> field.getEnumType().getFullName();
      default -> field.getType().name().toLowerCase(Locale.ROOT);
    };
  }

  private static void describeEnums(Descriptor message, TreeSet<String> into) {
    message.getEnumTypes().forEach(e -> describe(e, into));
    message.getNestedTypes().forEach(nested -> describeEnums(nested, into));
  }

  private static void describe(EnumDescriptor type, TreeSet<String> into) {
    type.getValues()
        .forEach(v -> into.add(type.getFullName() + "." + v.getName() + " = " + v.getNumber()));
  }

  private static String line(MethodDescriptor method) {
    return method.getService().getFullName()
        + "/"
        + method.getName()
        + ": "
        + (method.isClientStreaming() ? "stream " : "")
        + method.getInputType().getFullName()
        + " -> "
        + (method.isServerStreaming() ? "stream " : "")
        + method.getOutputType().getFullName();
  }
}
