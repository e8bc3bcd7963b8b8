package io.kvorum.verification.conformance.cluster;

import io.kvorum.verification.conformance.harness.Place;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

/** All members on free ports of this machine's loopback address. Needs no rights; cuts nothing. */
public final class Loopback implements Network {
  private final int slots;
  private final Map<String, Place> places = new HashMap<>();

  public Loopback(int slots) {
    this.slots = slots;
  }

  @Override
  public int slots() {
    return slots;
  }

  @Override
  public synchronized Place place(int slot, int generation) {
    return places.computeIfAbsent(slot + "/" + generation, unused -> Place.onLoopback());
  }

  @Override
  public boolean canCut() {
    return false;
  }

  @Override
  public void cut(Collection<Link> links) {
    throw new IllegalStateException("nothing can be cut on loopback");
  }

  @Override
  public void mend() {}

  @Override
  public void close() {}
}
