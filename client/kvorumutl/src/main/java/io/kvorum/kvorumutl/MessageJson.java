package io.kvorum.kvorumutl;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/**
 * Any protobuf message as JSON, for people: fields under their names in the contract, bytes as text
 * where they are one, member and cluster ids in hexadecimal. What is not set is left out, but for
 * kinds, whose first one counts as not set.
 */
final class MessageJson {
  private MessageJson() {}

  static String of(Message message) {
    JsonLine line = new JsonLine();
    for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
      if (field.isRepeated()) {
        if (message.getRepeatedFieldCount(field) > 0) {
          line.raw(field.getName(), values(field, message));
        }
      } else if (message.hasField(field) || isKind(field)) {
        line.raw(field.getName(), value(field, message.getField(field)));
      }
    }
    ByteString unknown = message.getUnknownFields().toByteString();
    if (!unknown.isEmpty()) {
      // A later version's.
      line.text("unknown", HexFormat.of().formatHex(unknown.toByteArray()));
    }
    return line.toString();
  }

  private static boolean isKind(FieldDescriptor field) {
    return field.getJavaType() == FieldDescriptor.JavaType.ENUM
        && field.getContainingOneof() == null;
  }

  private static String values(FieldDescriptor field, Message message) {
    List<String> values = new ArrayList<>();
    for (int i = 0; i < message.getRepeatedFieldCount(field); i++) {
      values.add(value(field, message.getRepeatedField(field, i)));
    }
    return JsonLine.array(values);
  }

  private static String value(FieldDescriptor field, Object value) {
    return switch (value) {
      case Message message -> of(message);
      case ByteString bytes -> JsonLine.bytes(bytes);
      case String text -> JsonLine.quoted(text);
      case EnumValueDescriptor kind -> JsonLine.quoted(kind.getName());
      case Long number when isUnsigned(field) ->
          isId(field) ? JsonLine.quoted(Long.toHexString(number)) : Long.toUnsignedString(number);
      default -> value.toString();
    };
  }

  private static boolean isUnsigned(FieldDescriptor field) {
    return field.getType() == FieldDescriptor.Type.UINT64
        || field.getType() == FieldDescriptor.Type.FIXED64;
  }

  private static boolean isId(FieldDescriptor field) {
    String name = field.getName().toLowerCase(Locale.ROOT);
    return name.endsWith("id") || name.endsWith("ids");
  }
}
