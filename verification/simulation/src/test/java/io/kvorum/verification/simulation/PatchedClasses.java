package io.kvorum.verification.simulation;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/**
 * Production code with one place of its source changed, beside the real one: the changed file is
 * compiled in memory, and a class loader of its own loads the replica and the simulator anew around
 * it. Nothing in production knows of it.
 */
final class PatchedClasses extends ClassLoader {
  private static final List<String> LOADED_ANEW =
      List.of(
          "io.kvorum.actors.raft.",
          "io.kvorum.actors.wal.",
          "io.kvorum.actors.apply.",
          "io.kvorum.actors.group.",
          "io.kvorum.actors.lease.",
          "io.kvorum.actors.divergence.",
          "io.kvorum.actors.watch.",
          "io.kvorum.verification.simulation.");

  private final Map<String, byte[]> patched;

  private PatchedClasses(Map<String, byte[]> patched) {
    super(PatchedClasses.class.getClassLoader());
    this.patched = patched;
  }

  /**
   * @param file of the actors room, below its source root
   * @param original a text that stands in it exactly once
   */
  static PatchedClasses of(String file, String original, String replacement) {
    Path root = Path.of(System.getProperty("basedir", "")).toAbsolutePath();
    Path source = root.resolve("../../actors/src/main/java").resolve(file).normalize();
    try {
      String text = Files.readString(source);
      int at = text.indexOf(original);
      if (at < 0 || text.indexOf(original, at + 1) >= 0) {
        throw new AssertionError(
            source
                + " does not hold exactly once, so that the bug cannot be planted:\n"
                + original);
      }
      return new PatchedClasses(
          compile(
              source,
              text.substring(0, at) + replacement + text.substring(at + original.length())));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static Map<String, byte[]> compile(Path source, String text) throws IOException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    Map<String, ByteArrayOutputStream> compiled = new HashMap<>();
    StringWriter messages = new StringWriter();
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    try (var files = new InMemory(compiler.getStandardFileManager(null, null, null), compiled)) {
      boolean done =
          compiler
              .getTask(
                  messages,
                  files,
                  null,
                  List.of("-proc:none", "-nowarn", "-parameters", "-classpath", classPath),
                  null,
                  List.of(new Source(source.toUri(), text)))
              .call();
      if (!done) {
        throw new AssertionError("the planted bug does not compile: " + messages);
      }
    }
    Map<String, byte[]> classes = new HashMap<>();
    compiled.forEach((name, bytes) -> classes.put(name, bytes.toByteArray()));
    return classes;
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    synchronized (getClassLoadingLock(name)) {
      Class<?> loaded = findLoadedClass(name);
      if (loaded != null) {
        return loaded;
      }
      return LOADED_ANEW.stream().anyMatch(name::startsWith)
          ? define(name)
          : super.loadClass(name, resolve);
    }
  }

  private Class<?> define(String name) throws ClassNotFoundException {
    byte[] bytes = patched.get(name);
    if (bytes == null) {
      try (InputStream original =
          getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
        if (original == null) {
          throw new ClassNotFoundException(name);
        }
        bytes = original.readAllBytes();
      } catch (IOException e) {
        throw new ClassNotFoundException(name, e);
      }
    }
    return defineClass(name, bytes, 0, bytes.length);
  }

  private static final class Source extends SimpleJavaFileObject {
    private final String text;

    Source(URI uri, String text) {
      super(uri, Kind.SOURCE);
      this.text = text;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return text;
    }
  }

  private static final class InMemory extends ForwardingJavaFileManager<JavaFileManager> {
    private final Map<String, ByteArrayOutputStream> compiled;

    InMemory(JavaFileManager files, Map<String, ByteArrayOutputStream> compiled) {
      super(files);
      this.compiled = compiled;
    }

    @Override
    public JavaFileObject getJavaFileForOutput(
        Location location, String name, JavaFileObject.Kind kind, FileObject sibling) {
      return new SimpleJavaFileObject(URI.create("memory:///" + name.replace('.', '/')), kind) {
        @Override
        public OutputStream openOutputStream() {
          return compiled.computeIfAbsent(name, n -> new ByteArrayOutputStream());
        }
      };
    }
  }
}
