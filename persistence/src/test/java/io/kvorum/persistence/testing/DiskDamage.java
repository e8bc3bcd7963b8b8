package io.kvorum.persistence.testing;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * What a disk may do to a file, chosen by a seed: a bit, a byte, a sector or a page changed, a part
 * filled with zeros, the end cut off.
 */
public final class DiskDamage {

  /** So many seeds are tried; {@code -Dkvorum.damage.seeds=5000} for a campaign. */
  public static final int SEEDS = Integer.getInteger("kvorum.damage.seeds", 60);

  /** {@code -Dkvorum.damage.first=17 -Dkvorum.damage.seeds=1} repeats one. */
  public static final int FIRST_SEED = Integer.getInteger("kvorum.damage.first", 1);

  private static final int SECTOR_BYTES = 512;
  private static final int PAGE_BYTES = 4096;

  /** What was done to which file. */
  public record Done(Path file, String what) {}

  private DiskDamage() {}

  public static void copy(Path from, Path to) throws IOException {
    Files.walkFileTree(
        from,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes)
              throws IOException {
            Files.createDirectories(to.resolve(from.relativize(dir).toString()));
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.copy(file, to.resolve(from.relativize(file).toString()));
            return FileVisitResult.CONTINUE;
          }
        });
  }

  public static void delete(Path directory) throws IOException {
    try (Stream<Path> tree = Files.walk(directory)) {
      for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  /** Damages one of the files below a directory; each kind of file is as likely as any other. */
  public static Done damage(Path directory, Random random) throws IOException {
    List<Path> files = filesBelow(directory);
    List<String> kinds = files.stream().map(DiskDamage::kind).distinct().sorted().toList();
    String kind = kinds.get(random.nextInt(kinds.size()));
    List<Path> ofKind = files.stream().filter(file -> kind(file).equals(kind)).toList();
    Path file = ofKind.get(random.nextInt(ofKind.size()));
    return damageFile(file, random);
  }

  private static List<Path> filesBelow(Path directory) throws IOException {
    try (Stream<Path> tree = Files.walk(directory)) {
      List<Path> files = new ArrayList<>();
      for (Path path : tree.sorted().toList()) {
        if (Files.isRegularFile(path) && Files.size(path) > 0) {
          files.add(path);
        }
      }
      return files;
    }
  }

  private static String kind(Path file) {
    return file.getFileName().toString().replaceAll("\\d", "");
  }

  static Done damageFile(Path file, Random random) throws IOException {
    try (RandomAccessFile content = new RandomAccessFile(file.toFile(), "rw")) {
      int size = Math.toIntExact(content.length());
      int at = random.nextInt(size);
      switch (random.nextInt(8)) {
        case 0, 1 -> {
          return change(file, content, at, 1, random, "a bit flipped");
        }
        case 2, 3 -> {
          return change(file, content, at, 1 + random.nextInt(4), random, "bytes changed");
        }
        case 4 -> {
          int from = at / SECTOR_BYTES * SECTOR_BYTES;
          return change(file, content, from, SECTOR_BYTES, random, "a sector of noise");
        }
        case 5 -> {
          int from = at / PAGE_BYTES * PAGE_BYTES;
          fill(content, from, new byte[Math.min(PAGE_BYTES, size - from)]);
          return new Done(file, "a page of zeros at " + from);
        }
        case 6 -> {
          fill(content, at, new byte[size - at]);
          return new Done(file, "zeros from " + at + " on");
        }
        default -> {
          content.setLength(at);
          return new Done(file, "cut at " + at + " of " + size);
        }
      }
    }
  }

  private static Done change(
      Path file, RandomAccessFile content, int from, int length, Random random, String what)
      throws IOException {
    byte[] bytes = new byte[(int) Math.min(length, content.length() - from)];
    content.seek(from);
    content.readFully(bytes);
    if (length == 1) {
      bytes[0] ^= (byte) (1 << random.nextInt(8));
    } else {
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] ^= (byte) (1 + random.nextInt(255));
      }
    }
    fill(content, from, bytes);
    return new Done(file, what + " at " + from);
  }

  private static void fill(RandomAccessFile content, int from, byte[] bytes) throws IOException {
    content.seek(from);
    content.write(bytes);
  }
}
