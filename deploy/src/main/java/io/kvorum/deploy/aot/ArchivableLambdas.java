package io.kvorum.deploy.aot;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Serializable;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.CompoundElement;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.TypeCheckInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.DirectMethodHandleDesc;
import java.lang.constant.DynamicCallSiteDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.CallSite;
import java.lang.invoke.LambdaMetafactory;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Makes copies of libraries whose lambdas fit into an AOT cache (JEP 483). Scala makes every lambda
 * serializable, by {@link LambdaMetafactory#altMetafactory}; the JDK archives the classes of those
 * made by {@link LambdaMetafactory#metafactory} only, and makes the others anew at every start. The
 * copies differ in nothing else: a lambda in them is not serializable, which nothing here needs
 * since Java's serialization is off.
 */
public final class ArchivableLambdas {
  private static final String ALTERNATIVE = "altMetafactory";
  private static final ClassDesc FACTORY = describe(LambdaMetafactory.class);
  private static final ClassDesc SERIALIZABLE = describe(Serializable.class);

  private static final DirectMethodHandleDesc METAFACTORY =
      ConstantDescs.ofCallsiteBootstrap(
          FACTORY,
          "metafactory",
          describe(CallSite.class),
          describe(MethodType.class),
          describe(MethodHandle.class),
          describe(MethodType.class));

  private final ClassLoader libraries;
  private final ClassFile classFile;
  private int changed;

  /**
   * @param libraries to look up the classes in that the changed ones name
   */
  ArchivableLambdas(ClassLoader libraries) {
    this.libraries = libraries;
    classFile =
        ClassFile.of(
            ClassFile.ClassHierarchyResolverOption.of(
                ClassHierarchyResolver.ofResourceParsing(libraries)
                    .orElse(ClassHierarchyResolver.defaultResolver())));
  }

  /**
   * Writes copies of those jars of a directory that have such lambdas to another one, under their
   * names. Signed jars are left alone.
   *
   * @param arguments the directory of the jars, and the one for the copies
   */
  public static void main(String[] arguments) throws IOException {
    if (arguments.length != 2) {
      throw new IllegalArgumentException("a directory of jars, and one for their copies");
    }
    Path copies = Files.createDirectories(Path.of(arguments[1]));
    List<Path> jars = jarsIn(Path.of(arguments[0]));
    try (URLClassLoader libraries = new URLClassLoader(urls(jars), null)) {
      for (Path jar : jars) {
        new ArchivableLambdas(libraries).copy(jar, copies.resolve(jar.getFileName()));
      }
    }
  }

  private static List<Path> jarsIn(Path directory) throws IOException {
    List<Path> jars = new ArrayList<>();
    try (DirectoryStream<Path> found = Files.newDirectoryStream(directory, "*.jar")) {
      found.forEach(jars::add);
    }
    Collections.sort(jars);
    return jars;
  }

  private static URL[] urls(List<Path> jars) throws MalformedURLException {
    URL[] urls = new URL[jars.size()];
    for (int i = 0; i < urls.length; i++) {
      urls[i] = jars.get(i).toUri().toURL();
    }
    return urls;
  }

  private static ClassDesc describe(Class<?> type) {
    return type.describeConstable().orElseThrow();
  }

  /**
   * Leaves no file behind where there is nothing to change. The copy is as old as the jar, by which
   * the launcher sees that they belong together.
   */
  void copy(Path jar, Path to) throws IOException {
    try (ZipFile from = new ZipFile(jar.toFile())) {
      List<? extends ZipEntry> entries = Collections.list(from.entries());
      if (entries.stream().anyMatch(entry -> isSignature(entry.getName()))) {
        return;
      }
      try (OutputStream file = Files.newOutputStream(to);
          ZipOutputStream out = new ZipOutputStream(new BufferedOutputStream(file))) {
        for (ZipEntry entry : entries) {
          byte[] content = from.getInputStream(entry).readAllBytes();
          ZipEntry copied = new ZipEntry(entry.getName());
          copied.setTime(entry.getTime());
          out.putNextEntry(copied);
          out.write(entry.getName().endsWith(".class") ? changed(content) : content);
          out.closeEntry();
        }
      }
    }
    if (changed == 0) {
      Files.delete(to);
    } else {
      Files.setLastModifiedTime(to, Files.getLastModifiedTime(jar));
    }
  }

  private static boolean isSignature(String name) {
    return name.startsWith("META-INF/") && name.endsWith(".SF");
  }

  /** The class, with lambdas made by the archivable way wherever it gives the same object. */
  byte[] changed(byte[] content) {
    if (!new String(content, StandardCharsets.ISO_8859_1).contains(ALTERNATIVE)) {
      return content;
    }
    CodeTransform lambdas =
        (code, element) -> {
          if (element instanceof InvokeDynamicInstruction site && isReplaceable(site)) {
            changed++;
            code.invokedynamic(
                DynamicCallSiteDesc.of(
                    METAFACTORY,
                    site.name().stringValue(),
                    site.typeSymbol(),
                    site.bootstrapArgs().subList(0, 3).toArray(ConstantDesc[]::new)));
          } else {
            code.with(element);
          }
        };
    ClassModel model = classFile.parse(content);
    if (castsToSerializable(model)) {
      return content;
    }
    int before = changed;
    byte[] result =
        classFile.transformClass(model, ClassTransform.transformingMethodBodies(lambdas));
    return changed == before ? content : result;
  }

  /** As javac does with a lambda of an intersection type; Scala does not. */
  private static boolean castsToSerializable(ClassModel model) {
    return model.methods().stream()
        .flatMap(method -> method.code().stream())
        .flatMap(CompoundElement::elementStream)
        .anyMatch(
            element ->
                element instanceof TypeCheckInstruction cast
                    && cast.type().asSymbol().equals(SERIALIZABLE));
  }

  /**
   * Whether all that the alternative factory is asked for besides is {@code Serializable}, and
   * bridges that nobody calls.
   */
  private boolean isReplaceable(InvokeDynamicInstruction site) {
    DirectMethodHandleDesc factory = site.bootstrapMethod();
    if (!factory.methodName().equals(ALTERNATIVE) || !factory.owner().equals(FACTORY)) {
      return false;
    }
    List<ConstantDesc> arguments = site.bootstrapArgs();
    int flags = (Integer) arguments.get(3);
    int at = 4;
    if ((flags & LambdaMetafactory.FLAG_MARKERS) != 0) {
      int markers = (Integer) arguments.get(at++);
      for (int end = at + markers; at < end; at++) {
        if (!arguments.get(at).equals(SERIALIZABLE)) {
          return false;
        }
      }
    }
    if ((flags & LambdaMetafactory.FLAG_BRIDGES) != 0) {
      int bridges = (Integer) arguments.get(at++);
      return bridges == 0 || !isCalled(site, arguments.subList(at, at + bridges));
    }
    return true;
  }

  /**
   * Whether the interface of the lambda has one of the bridges for a method, other than the one
   * that is made anyway. Scala asks for one with the types of each lambda, which {@code Function1}
   * does not have.
   */
  private boolean isCalled(InvokeDynamicInstruction site, List<ConstantDesc> bridges) {
    List<String> descriptors = new ArrayList<>();
    for (ConstantDesc bridge : bridges) {
      if (!bridge.equals(site.bootstrapArgs().getFirst())) {
        descriptors.add(((MethodTypeDesc) bridge).descriptorString());
      }
    }
    try {
      String type = site.typeSymbol().returnType().descriptorString();
      String name = type.substring(1, type.length() - 1).replace('/', '.');
      return has(Class.forName(name, false, libraries), site.name().stringValue(), descriptors);
    } catch (ClassNotFoundException | LinkageError unknown) {
      return true;
    }
  }

  private static boolean has(Class<?> type, String method, List<String> descriptors) {
    for (Method declared : type.getDeclaredMethods()) {
      MethodType signature =
          MethodType.methodType(declared.getReturnType(), declared.getParameterTypes());
      if (declared.getName().equals(method)
          && descriptors.contains(signature.toMethodDescriptorString())) {
        return true;
      }
    }
    for (Class<?> more : type.getInterfaces()) {
      if (has(more, method, descriptors)) {
        return true;
      }
    }
    return false;
  }
}
