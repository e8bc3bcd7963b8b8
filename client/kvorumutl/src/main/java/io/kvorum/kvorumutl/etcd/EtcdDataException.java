package io.kvorum.kvorumutl.etcd;

import java.nio.file.Path;

/** The file is a whole bbolt file, but its content is not what an etcd writes. */
public final class EtcdDataException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  EtcdDataException(Path file, String what) {
    super(file + " " + what);
  }

  EtcdDataException(Path file, String what, Throwable cause) {
    super(file + " " + what, cause);
  }
}
