package io.kvorum.persistence.leveldb;

import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A position among the keys, in their unsigned byte order. For one thread at a time; it may be
 * closed from any, and closing the database closes it. Key and value are read from LevelDB at each
 * call: keep what is needed twice.
 */
public final class Cursor implements AutoCloseable {
  private final LevelDb owner;
  private Engine.@Nullable Walk raw;
  private boolean valid;

  /** Where the last seek led, for who has to find damage that the cursor meets. */
  private byte @Nullable [] sought;

  Cursor(LevelDb owner, Engine.Walk raw) {
    this.owner = owner;
    this.raw = raw;
  }

  /** Moves to {@code key}, or to the first key behind it. */
  public synchronized void seek(byte[] key) {
    Engine.Walk walk = open();
    valid = false;
    sought = key;
    try {
      walk.seek(key);
      valid = walk.valid();
    } catch (IOException | RuntimeException e) {
      throw owner.readFailed(e, sought);
    }
  }

  public synchronized void seekToFirst() {
    Engine.Walk walk = open();
    valid = false;
    sought = null;
    try {
      walk.seekToFirst();
      valid = walk.valid();
    } catch (IOException | RuntimeException e) {
      throw owner.readFailed(e, sought);
    }
  }

  /** Seeks a key; its value, or null if there is none. */
  public byte @Nullable [] valueOf(byte[] key) {
    long begun = System.nanoTime();
    seek(key);
    owner.cursorTook(System.nanoTime() - begun);
    return valid() && Arrays.equals(key(), key) ? value() : null;
  }

  /** Whether it stands at an entry. */
  public synchronized boolean valid() {
    open();
    return valid;
  }

  /** Moves to the next entry; it must stand at one. */
  public synchronized void next() {
    Engine.Walk walk = atEntry();
    valid = false;
    try {
      walk.next();
      valid = walk.valid();
    } catch (IOException | RuntimeException e) {
      throw owner.readFailed(e, sought);
    }
  }

  public synchronized byte[] key() {
    try {
      return atEntry().key();
    } catch (IOException e) {
      throw owner.readFailed(e, sought);
    }
  }

  public synchronized byte[] value() {
    try {
      return atEntry().value();
    } catch (IOException e) {
      throw owner.readFailed(e, sought);
    }
  }

  private Engine.Walk open() {
    Engine.Walk walk = raw;
    if (walk == null) {
      throw new IllegalStateException("cursor is closed");
    }
    return walk;
  }

  private Engine.Walk atEntry() {
    Engine.Walk walk = open();
    if (!valid) {
      throw new IllegalStateException("cursor stands at no entry");
    }
    return walk;
  }

  @Override
  public synchronized void close() {
    Engine.Walk walk = raw;
    raw = null;
    if (walk != null) {
      // In this order: a database that is being closed waits for this monitor as long as it sees
      // the cursor.
      walk.release();
      owner.forget(this);
    }
  }
}
