package io.kvorum.persistence.leveldb;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import org.fusesource.leveldbjni.internal.NativeOptions;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A second {@code leveldb::Env} in this process, and so a second background thread. LevelDB has one
 * of them for all databases of a process, which flushes and compacts for one after the other: the
 * log's flush would wait behind a compaction of the keyspace, and every write of the log behind
 * that flush.
 *
 * <p>The environment is a static of the native library. A copy of the library under a name of its
 * own has statics of its own; the JVM loads it because the few classes that load a library are
 * loaded once more too, by a class loader of their own. Only that address is taken from the copy:
 * databases are opened by the first library as ever, and told to work in that environment.
 */
final class SecondEnvironment {

  private static final Logger log = LoggerFactory.getLogger(SecondEnvironment.class);

  private SecondEnvironment() {}

  /** Lets a database that is opened with these options work in it. Without one nothing changes. */
  static void choose(NativeOptions options) {
    Loaded loaded = Holder.LOADED;
    if (loaded == null) {
      return;
    }
    try {
      Field field = NativeOptions.class.getDeclaredField("env");
      field.setAccessible(true);
      field.setLong(options, loaded.address);
    } catch (ReflectiveOperationException e) {
      log.debug("all databases share one background thread", e);
    }
  }

  /** Whether there is one. */
  static boolean exists() {
    return Holder.LOADED != null;
  }

  /**
   * @param address of the environment; never freed, as the first one is never
   * @param library keeps the copy loaded: it would go with its class loader
   */
  private record Loaded(long address, LibraryCopy library) {}

  private static final class Holder {
    private static final @Nullable Loaded LOADED = load();

    private static @Nullable Loaded load() {
      LibraryCopy library = new LibraryCopy();
      try {
        Class<?> access =
            Class.forName("org.fusesource.leveldbjni.internal.Util$EnvJNI", true, library);
        Method address = access.getDeclaredMethod("Default");
        address.setAccessible(true);
        Object found = address.invoke(null);
        NativeEngine.removeExtractedLibrary();
        return found instanceof Long value && value != 0 ? new Loaded(value, library) : null;
      } catch (ReflectiveOperationException | LinkageError e) {
        log.debug("all databases share one background thread", e);
        return null;
      }
    }
  }

  /** Loads the classes of leveldbjni once more instead of taking those there are. */
  private static final class LibraryCopy extends ClassLoader {
    private static final String COPIED = "org.fusesource.";

    private LibraryCopy() {
      super("leveldb-copy", SecondEnvironment.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (!name.startsWith(COPIED)) {
        return super.loadClass(name, resolve);
      }
      synchronized (getClassLoadingLock(name)) {
        Class<?> loaded = findLoadedClass(name);
        return loaded == null ? findClass(name) : loaded;
      }
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
      try (InputStream in = getResourceAsStream(name.replace('.', '/') + ".class")) {
        if (in == null) {
          throw new ClassNotFoundException(name);
        }
        byte[] bytes = in.readAllBytes();
        return defineClass(name, bytes, 0, bytes.length);
      } catch (IOException e) {
        throw new ClassNotFoundException(name, e);
      }
    }
  }
}
