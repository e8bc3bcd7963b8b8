package io.kvorum.persistence.bbolt;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * Writes small bbolt files, with pages as small as a test wants them. Buckets that fit stand inside
 * the leaf that names them.
 */
final class BoltFixture {
  private static final int HEADER = 16;
  private static final int ELEMENT = 16;

  private record Element(byte[] key, byte[] value, boolean bucket) {}

  private record Child(byte[] first, long page) {}

  private final int pageBytes;
  private final int leafElements;
  private final List<byte[]> pages = new ArrayList<>();
  private long nextPage = 3;

  private BoltFixture(int pageBytes, int leafElements) {
    this.pageBytes = pageBytes;
    this.leafElements = leafElements;
  }

  static NavigableMap<byte[], byte[]> map() {
    return new TreeMap<>(Arrays::compareUnsigned);
  }

  /**
   * @param leafElements most elements of a leaf, and most children of a branch
   */
  static byte[] file(
      int pageBytes, int leafElements, NavigableMap<String, NavigableMap<byte[], byte[]>> buckets) {
    BoltFixture fixture = new BoltFixture(pageBytes, leafElements);
    List<Element> names = new ArrayList<>();
    buckets.forEach(
        (name, content) ->
            names.add(new Element(name.getBytes(UTF_8), fixture.bucket(content), true)));
    long root = fixture.tree(names);
    return fixture.whole(root);
  }

  static Path write(Path file, byte[] bytes) {
    try {
      return Files.write(file, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private byte[] bucket(NavigableMap<byte[], byte[]> content) {
    List<Element> elements = new ArrayList<>();
    content.forEach((key, value) -> elements.add(new Element(key, value, false)));
    byte[] leaf = leaf(0, elements);
    if (leaf.length <= pageBytes / 4) {
      return little(16 + leaf.length).putLong(0).putLong(0).put(leaf).array();
    }
    return little(16).putLong(tree(elements)).putLong(0).array();
  }

  private long tree(List<Element> elements) {
    List<Child> level = new ArrayList<>();
    for (int from = 0; from < elements.size() || level.isEmpty(); from += leafElements) {
      List<Element> part = elements.subList(from, Math.min(from + leafElements, elements.size()));
      byte[] first = part.isEmpty() ? new byte[0] : part.getFirst().key();
      level.add(new Child(first, add(leaf(nextPage, part))));
    }
    while (level.size() > 1) {
      List<Child> above = new ArrayList<>();
      for (int from = 0; from < level.size(); from += leafElements) {
        List<Child> part = level.subList(from, Math.min(from + leafElements, level.size()));
        above.add(new Child(part.getFirst().first(), add(branch(nextPage, part))));
      }
      level = above;
    }
    return level.getFirst().page();
  }

  private long add(byte[] page) {
    long id = nextPage;
    int spans = (page.length + pageBytes - 1) / pageBytes;
    byte[] padded = Arrays.copyOf(page, spans * pageBytes);
    little(padded).putInt(12, spans - 1);
    pages.add(padded);
    nextPage += spans;
    return id;
  }

  private static byte[] leaf(long id, List<Element> elements) {
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    ByteBuffer table = header(id, 2, elements.size());
    for (int i = 0; i < elements.size(); i++) {
      Element element = elements.get(i);
      table.putInt(element.bucket() ? 1 : 0);
      table.putInt((elements.size() - i) * ELEMENT + data.size());
      table.putInt(element.key().length).putInt(element.value().length);
      data.writeBytes(element.key());
      data.writeBytes(element.value());
    }
    return joined(table, data);
  }

  private static byte[] branch(long id, List<Child> children) {
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    ByteBuffer table = header(id, 1, children.size());
    for (int i = 0; i < children.size(); i++) {
      table.putInt((children.size() - i) * ELEMENT + data.size());
      table.putInt(children.get(i).first().length).putLong(children.get(i).page());
      data.writeBytes(children.get(i).first());
    }
    return joined(table, data);
  }

  private static ByteBuffer header(long id, int flags, int count) {
    return little(HEADER + count * ELEMENT)
        .putLong(id)
        .putShort((short) flags)
        .putShort((short) count)
        .putInt(0);
  }

  private static byte[] joined(ByteBuffer table, ByteArrayOutputStream data) {
    return ByteBuffer.allocate(table.capacity() + data.size())
        .put(table.array())
        .put(data.toByteArray())
        .array();
  }

  private byte[] whole(long root) {
    ByteBuffer file = little(Math.toIntExact(nextPage * pageBytes));
    file.put(meta(pageBytes, root, nextPage, 6));
    file.position(pageBytes).put(meta(pageBytes, root, nextPage, 7));
    file.position(2 * pageBytes).put(header(2, 0x10, 0).array());
    file.position(3 * pageBytes);
    pages.forEach(file::put);
    return file.array();
  }

  /** A meta page's first bytes. */
  static byte[] meta(int pageBytes, long root, long pages, long transaction) {
    ByteBuffer meta = little(HEADER + BoltMeta.BYTES);
    meta.putLong(transaction % 2).putShort((short) 4).putShort((short) 0).putInt(0);
    meta.putInt(0xED0CDAED).putInt(2).putInt(pageBytes).putInt(0);
    meta.putLong(root).putLong(0).putLong(2).putLong(pages).putLong(transaction);
    meta.putLong(BoltMeta.checksum(meta, HEADER, 56));
    return meta.array();
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  static ByteBuffer little(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
