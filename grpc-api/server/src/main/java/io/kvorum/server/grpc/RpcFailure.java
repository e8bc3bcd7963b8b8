package io.kvorum.server.grpc;

import io.grpc.Status;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.protocol.EtcdError;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Ends a call with a status. Has no stack trace: it is the client's doing, not ours. */
public final class RpcFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(RpcFailure.class);

  private final transient Status status;

  public RpcFailure(Status status) {
    super(status.getDescription(), null, false, false);
    this.status = status;
  }

  public Status status() {
    return status;
  }

  /**
   * The status that a failure shows to the client. Damaged data leaves as DATA_LOSS; its file is
   * named in the log, by who met it. What is neither that nor a refusal nor overload is a bug or a
   * dead disk: it is logged here, and leaves as UNKNOWN with its text, as grpc-go does.
   */
  static Status statusOf(Throwable failure, MethodName method) {
    return switch (unwrapped(failure)) {
      case RpcFailure refused -> refused.status();
      case RejectedExecutionException overload ->
          EtcdError.REQUEST_TOO_MANY_REQUESTS.status().withCause(overload);
      case StorageException damage when damage.reason() == StorageException.Reason.CORRUPT ->
          EtcdError.CORRUPT.status().withCause(damage);
      case Throwable bug -> {
        LOG.error("{} failed", method, bug);
        String text = bug.getMessage();
        yield Status.UNKNOWN.withDescription(text == null ? bug.getClass().getName() : text);
      }
    };
  }

  private static Throwable unwrapped(Throwable failure) {
    Throwable cause = failure.getCause();
    return cause != null
            && (failure instanceof CompletionException || failure instanceof ExecutionException)
        ? unwrapped(cause)
        : failure;
  }
}
