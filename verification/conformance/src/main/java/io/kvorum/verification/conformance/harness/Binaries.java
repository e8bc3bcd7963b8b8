package io.kvorum.verification.conformance.harness;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Where the programs under comparison are. Each can be named by a system property, so that any
 * build of any server can be put in any place: a real etcd as the subject checks the tests
 * themselves.
 */
public final class Binaries {
  /** The server under test: a program that takes etcd's flags. */
  public static final String LAUNCHER_PROPERTY = "kvorum.launcher";

  /** The etcd that is right by definition. */
  public static final String ETCD_PROPERTY = "etcd.binary";

  public static final String ETCDCTL_PROPERTY = "etcdctl.binary";

  private Binaries() {}

  public static Path kvorum() {
    var named = System.getProperty(LAUNCHER_PROPERTY, "");
    if (!named.isEmpty()) return executable(Path.of(named), LAUNCHER_PROPERTY);
    var root = repositoryRoot();
    var packaged = root.resolve("deploy/target/kvorum/bin/kvorum");
    // Maven's packaging sets no modes; ./kvorum would build once more in the middle of a build
    if (Files.exists(packaged) && packaged.toFile().setExecutable(true)) return packaged;
    return executable(root.resolve("kvorum"), LAUNCHER_PROPERTY);
  }

  /** The offline tool beside the server under test, made executable as that is. */
  public static Path kvorumutl() {
    var tool = kvorum().resolveSibling("kvorumutl");
    return tool.toFile().setExecutable(true) ? tool : executable(tool, LAUNCHER_PROPERTY);
  }

  public static Path etcd() {
    return executable(Path.of(System.getProperty(ETCD_PROPERTY, "/usr/bin/etcd")), ETCD_PROPERTY);
  }

  public static Path etcdctl() {
    return executable(
        Path.of(System.getProperty(ETCDCTL_PROPERTY, "/usr/bin/etcdctl")), ETCDCTL_PROPERTY);
  }

  private static Path executable(Path path, String property) {
    if (!Files.isExecutable(path))
      throw new IllegalStateException(
          path + " is not an executable file; name another with -D" + property + "=PATH");
    return path.toAbsolutePath();
  }

  /**
   * The nearest directory upwards that holds the repository's ignore file and module descriptor.
   */
  private static Path repositoryRoot() {
    for (var at = Path.of("").toAbsolutePath(); at != null; at = at.getParent())
      if (Files.exists(at.resolve("pom.xml")) && Files.exists(at.resolve(".gitignore"))) return at;
    throw new IllegalStateException("run this inside the repository");
  }
}
