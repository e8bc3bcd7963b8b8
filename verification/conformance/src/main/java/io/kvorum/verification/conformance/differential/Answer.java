package io.kvorum.verification.conformance.differential;

import com.google.protobuf.Message;
import com.google.protobuf.TextFormat;
import io.grpc.Status;

/** What a server said: a message, or a status with its text. */
public sealed interface Answer {
  record Reply(Message message) implements Answer {}

  record Failure(Status.Code code, String description) implements Answer {}

  static Answer failure(Status status) {
    var description = status.getDescription();
    return new Failure(status.getCode(), description == null ? "" : description);
  }

  default String text() {
    return switch (this) {
      case Reply reply -> TextFormat.printer().printToString(reply.message).indent(2);
      case Failure failure -> "  " + failure.code + ": " + failure.description + "\n";
    };
  }
}
