package io.kvorum.deploy.aot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.lang.classfile.ClassFile;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ArchivableLambdasTest {
  public interface Greeting extends Function<String, String>, Serializable {}

  public interface Marker {}

  public interface Named {
    String get();
  }

  /** Inherits two methods that differ in what they return: a lambda of it needs a bridge. */
  public interface Either extends Supplier<Object>, Named, Serializable {}

  /** A lambda that is called by its bridge. */
  public static final class Bridged implements Supplier<String> {
    @Override
    public String get() {
      Either either = () -> "hello";
      Supplier<Object> other = either;
      return either.get() + other.get();
    }
  }

  /** Serializable lambdas, as Scala's are. */
  public static final class Greeter implements Supplier<String> {
    @Override
    public String get() {
      String greeting = "hello ";
      Greeting greet = name -> greeting + name;
      Supplier<String> who = (Supplier<String> & Marker) () -> "world";
      return greet.apply(who.get()) + (who instanceof Marker);
    }
  }

  /** A lambda that is needed as a Serializable. */
  static final class Saver {
    Object get() {
      return (Supplier<String> & Serializable) () -> "saved";
    }
  }

  private final ArchivableLambdas lambdas =
      new ArchivableLambdas(ArchivableLambdasTest.class.getClassLoader());

  private static byte[] classOf(Class<?> type) throws IOException {
    try (InputStream in = type.getResourceAsStream(resource(type).replaceAll(".*/", ""))) {
      return in.readAllBytes();
    }
  }

  private static String resource(Class<?> type) {
    return type.getName().replace('.', '/') + ".class";
  }

  private static List<String> factoriesIn(byte[] content) {
    return factories(content, method -> method.methodName().equalsString("get"));
  }

  private static Set<String> allFactoriesIn(byte[] content) {
    return Set.copyOf(
        factories(content, method -> !method.methodName().equalsString("$deserializeLambda$")));
  }

  private static List<String> factories(byte[] content, Predicate<MethodModel> of) {
    return ClassFile.of().parse(content).methods().stream()
        .filter(of)
        .flatMap(method -> method.code().stream())
        .flatMap(code -> code.elementStream())
        .filter(InvokeDynamicInstruction.class::isInstance)
        .map(site -> ((InvokeDynamicInstruction) site).bootstrapMethod().methodName())
        .filter(name -> name.toLowerCase(java.util.Locale.ROOT).endsWith("metafactory"))
        .toList();
  }

  private Path jar(Path file, String... names) throws IOException {
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(file))) {
      for (String name : names) {
        out.putNextEntry(new ZipEntry(name));
        out.write(
            name.endsWith(".class")
                ? classOf(Greeter.class)
                : name.getBytes(StandardCharsets.UTF_8));
        out.closeEntry();
      }
    }
    return file;
  }

  @Test
  void a_lambda_that_is_serializable_and_nothing_else_is_made_by_the_archivable_way()
      throws IOException {
    byte[] original = classOf(Greeter.class);
    assertEquals(List.of("altMetafactory", "altMetafactory"), factoriesIn(original));

    assertEquals(List.of("metafactory", "altMetafactory"), factoriesIn(lambdas.changed(original)));
  }

  @Test
  void a_class_without_such_lambdas_or_that_needs_them_serializable_stays_as_it_is()
      throws IOException {
    assertEquals(List.of("altMetafactory"), factoriesIn(classOf(Saver.class)));
    for (Class<?> type : List.of(ArchivableLambdas.class, Saver.class)) {
      byte[] original = classOf(type);
      assertArrayEquals(original, lambdas.changed(original.clone()));
    }
  }

  @Test
  void a_lambda_that_is_called_by_a_bridge_stays_as_it_is() throws IOException {
    byte[] original = classOf(Bridged.class);
    assertEquals(List.of("altMetafactory"), factoriesIn(original));
    assertArrayEquals(original, lambdas.changed(original.clone()));
  }

  @Test
  void a_lambda_of_scala_is_made_by_the_archivable_way() throws IOException {
    Class<?> type = org.apache.pekko.actor.CoordinatedShutdown$.class;
    try (InputStream in = type.getResourceAsStream("CoordinatedShutdown$.class")) {
      byte[] original = in.readAllBytes();
      assertTrue(allFactoriesIn(original).contains("altMetafactory"));
      assertEquals(Set.of("metafactory"), allFactoriesIn(lambdas.changed(original)));
    }
  }

  @Test
  void a_copied_jar_has_all_entries_and_its_classes_work(@TempDir Path directory)
      throws ReflectiveOperationException, IOException {
    String name = resource(Greeter.class);
    Path copy = directory.resolve("copy.jar");

    Path original = jar(directory.resolve("some.jar"), name, "reference.conf");

    lambdas.copy(original, copy);

    assertEquals(Files.getLastModifiedTime(original), Files.getLastModifiedTime(copy));

    try (ZipFile copied = new ZipFile(copy.toFile())) {
      assertEquals(
          new TreeSet<>(List.of(name, "reference.conf")),
          copied.stream().map(ZipEntry::getName).collect(Collectors.toCollection(TreeSet::new)));
      assertEquals(
          "reference.conf",
          new String(
              copied.getInputStream(copied.getEntry("reference.conf")).readAllBytes(),
              StandardCharsets.UTF_8));
    }
    try (var loader = new CopyFirst(copy.toUri().toURL())) {
      Class<?> loaded = loader.loadClass(Greeter.class.getName());
      assertNotSame(Greeter.class, loaded);
      Object greeter = loaded.getConstructor().newInstance();
      assertEquals("hello worldtrue", ((Supplier<?>) greeter).get());
    }
  }

  @Test
  void a_jar_that_is_signed_or_has_nothing_to_change_is_not_copied(@TempDir Path directory)
      throws IOException {
    Path copy = directory.resolve("copy.jar");

    lambdas.copy(jar(directory.resolve("plain.jar"), "reference.conf"), copy);
    assertFalse(Files.exists(copy));

    lambdas.copy(
        jar(directory.resolve("signed.jar"), resource(Greeter.class), "META-INF/SOMEONE.SF"), copy);
    assertFalse(Files.exists(copy));
    assertTrue(Files.exists(directory.resolve("signed.jar")));
  }

  /** Looks into the copy before it asks the test's own loader. */
  private static final class CopyFirst extends URLClassLoader {
    CopyFirst(URL copy) {
      super(new URL[] {copy}, ArchivableLambdasTest.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      return name.equals(Greeter.class.getName())
          ? findClass(name)
          : super.loadClass(name, resolve);
    }
  }
}
