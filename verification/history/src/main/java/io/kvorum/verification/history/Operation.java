package io.kvorum.verification.history;

import org.jspecify.annotations.Nullable;

/**
 * One request of one client from its call to its answer.
 *
 * @param id place in the recording, by time of call
 * @param client who asked; a client asks one thing at a time
 * @param invokedAt no later than the request left the client
 * @param returnedAt no earlier than the answer reached it; {@link #NEVER} without an answer
 * @param response null if the outcome is not known: it may take effect at any time after the call,
 *     or never
 */
public record Operation(
    int id,
    int client,
    Request request,
    long invokedAt,
    long returnedAt,
    @Nullable Response response) {

  /** The return time of an operation whose outcome is not known. */
  public static final long NEVER = Long.MAX_VALUE;

  public Operation {
    if (returnedAt < invokedAt || (response == null) != (returnedAt == NEVER)) {
      throw new IllegalArgumentException(
          request + " called at " + invokedAt + ", " + response + " at " + returnedAt);
    }
  }

  public boolean isPending() {
    return response == null;
  }

  /** The same call seen at an earlier moment, when it was not answered yet. */
  Operation unanswered() {
    return new Operation(id, client, request, invokedAt, NEVER, null);
  }

  /** Whether it is known to have changed the store. */
  boolean wrote() {
    return response != null && wrote(request, response);
  }

  private static boolean wrote(Request request, Response response) {
    return switch (response) {
      case Response.Got got -> false;
      case Response.Written written -> true;
      case Response.Deleted deleted -> deleted.count() > 0;
      case Response.TxnDone done -> done.responses().stream().anyMatch(r -> wrote(request, r));
    };
  }

  @Override
  public String toString() {
    return "#"
        + id
        + " client "
        + client
        + " ["
        + invokedAt
        + ", "
        + (returnedAt == NEVER ? "?" : Long.toString(returnedAt))
        + "] "
        + request
        + " -> "
        + (response == null ? "unknown" : response.toString());
  }
}
