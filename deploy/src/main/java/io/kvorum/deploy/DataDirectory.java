package io.kvorum.deploy;

import io.kvorum.config.ServerConfig;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * Where a member keeps its data: {@code <data-dir>/member/wal}, or {@code --wal-dir}, and {@code
 * <data-dir>/member/keyspace}. Readable by its owner only, as etcd's.
 */
record DataDirectory(Path wal, Path keyspace) {
  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rwx------");

  /**
   * Creates what is missing.
   *
   * @throws StartException naming the directory
   */
  static DataDirectory prepare(ServerConfig config) {
    Path keyspace = config.member().keyspaceDirectory();
    Path wal = config.member().walDirectory();
    create(config.member().dataDirectory());
    create(keyspace);
    create(wal);
    return new DataDirectory(wal, keyspace);
  }

  private static void create(Path directory) {
    try {
      Files.createDirectories(directory, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
    } catch (FileAlreadyExistsException e) {
      throw new StartException(
          "cannot use "
              + directory
              + " as a directory: "
              + e.getFile()
              + " is a file. Name another --data-dir",
          e);
    } catch (IOException e) {
      throw new StartException(
          "cannot create the directory "
              + directory
              + ": "
              + e
              + ". Make it writable for this user, or name another --data-dir",
          e);
    }
  }
}
