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
import java.util.Set;
import java.util.SplittableRandom;
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

  private static final String TABLE = ".sst";

  /** Of what they hold nothing is ever read. */
  private static final Set<String> UNREAD = Set.of("LOG", "LOG.old", "LOCK", "kvorum.lock");

  private static final int SECTOR_BYTES = 512;
  private static final int PAGE_BYTES = 4096;

  /** Behind a table's index: 48 bytes, the last of which say that this is a table. */
  private static final int FOOTER_BYTES = 48;

  /**
   * What was done to which file.
   *
   * @param kind of file, or of the part of a table that it was done to
   */
  public record Done(Path file, String kind, String what) {}

  /** Where in a file damage begins: from {@code from} up to {@code to}. */
  private record Part(String kind, int from, int to) {}

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

  /**
   * The choices of a seed. Mixed, as {@link Random}s of neighbouring seeds begin alike.
   *
   * @param test tells tests apart
   */
  public static Random choices(int seed, String test) {
    return new Random(new SplittableRandom(seed * 31L + test.hashCode()).nextLong());
  }

  /** Damages one of the files below a directory; each kind of file is as likely as any other. */
  public static Done damage(Path directory, Random random) throws IOException {
    List<Path> files = filesBelow(directory);
    List<String> kinds = files.stream().map(DiskDamage::kind).distinct().sorted().toList();
    String kind = kinds.get(random.nextInt(kinds.size()));
    List<Path> ofKind = files.stream().filter(file -> kind(file).equals(kind)).toList();
    return damageFile(ofKind.get(random.nextInt(ofKind.size())), random);
  }

  /**
   * Of a table its rows, its index and its footer are each as likely. Of another file all of it,
   * and as often what is before the zeros that LevelDB lets an open file end with.
   */
  private static Part part(Path file, RandomAccessFile content, Random random) throws IOException {
    int size = Math.toIntExact(content.length());
    if (!kind(file).equals(TABLE) || size <= FOOTER_BYTES) {
      return new Part(kind(file), 0, random.nextBoolean() ? size : Math.max(1, written(content)));
    }
    int footer = size - FOOTER_BYTES;
    content.seek(footer);
    varint(content);
    varint(content);
    int index = Math.toIntExact(varint(content));
    return switch (random.nextInt(3)) {
      case 0 -> new Part(kind(file) + " rows", 0, index);
      case 1 -> new Part(kind(file) + " index", index, footer);
      default -> new Part(kind(file) + " footer", footer, size);
    };
  }

  private static int written(RandomAccessFile content) throws IOException {
    byte[] bytes = new byte[Math.toIntExact(content.length())];
    content.seek(0);
    content.readFully(bytes);
    int end = bytes.length;
    while (end > 0 && bytes[end - 1] == 0) {
      end--;
    }
    return end;
  }

  private static long varint(RandomAccessFile in) throws IOException {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      int next = in.read();
      value |= (long) (next & 0x7f) << shift;
      if (next < 0x80) {
        return value;
      }
    }
  }

  private static List<Path> filesBelow(Path directory) throws IOException {
    try (Stream<Path> tree = Files.walk(directory)) {
      List<Path> files = new ArrayList<>();
      for (Path path : tree.sorted().toList()) {
        if (Files.isRegularFile(path)
            && Files.size(path) > 0
            && !UNREAD.contains(path.getFileName().toString())) {
          files.add(path);
        }
      }
      return files;
    }
  }

  private static String kind(Path file) {
    return file.getFileName().toString().replaceAll("\\d", "");
  }

  /** Damages a file, which is not empty. */
  public static Done damageFile(Path file, Random random) throws IOException {
    try (RandomAccessFile content = new RandomAccessFile(file.toFile(), "rw")) {
      Part part = part(file, content, random);
      int at = random.nextInt(part.from(), part.to());
      return new Done(file, part.kind(), damage(content, at, random));
    }
  }

  /** Says what was done. */
  private static String damage(RandomAccessFile content, int at, Random random) throws IOException {
    int size = Math.toIntExact(content.length());
    switch (random.nextInt(8)) {
      case 0, 1 -> {
        return change(content, at, 1, random, "a bit flipped");
      }
      case 2, 3 -> {
        return change(content, at, 1 + random.nextInt(4), random, "bytes changed");
      }
      case 4 -> {
        int from = at / SECTOR_BYTES * SECTOR_BYTES;
        return change(content, from, SECTOR_BYTES, random, "a sector of noise");
      }
      case 5 -> {
        int from = at / PAGE_BYTES * PAGE_BYTES;
        fill(content, from, new byte[Math.min(PAGE_BYTES, size - from)]);
        return "a page of zeros at " + from;
      }
      case 6 -> {
        fill(content, at, new byte[size - at]);
        return "zeros from " + at + " on";
      }
      default -> {
        content.setLength(at);
        return "cut at " + at + " of " + size;
      }
    }
  }

  private static String change(
      RandomAccessFile content, int from, int length, Random random, String what)
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
    return what + " at " + from;
  }

  private static void fill(RandomAccessFile content, int from, byte[] bytes) throws IOException {
    content.seek(from);
    content.write(bytes);
  }
}
