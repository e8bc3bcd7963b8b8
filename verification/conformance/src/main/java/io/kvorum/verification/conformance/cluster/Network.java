package io.kvorum.verification.conformance.cluster;

import io.kvorum.verification.conformance.harness.Place;
import java.util.Collection;

/** What lies between the members of a cluster. Clients reach every member whatever is cut. */
public sealed interface Network extends AutoCloseable permits Loopback, Namespaces {
  /** One direction between two slots. */
  record Link(int from, int to) {}

  /** How many slots there are, for members of one cluster or several. */
  int slots();

  /**
   * Where a member in this slot listens.
   *
   * @param generation another place in the same slot for each, so that who follows a removed member
   *     is not taken for it
   */
  Place place(int slot, int generation);

  boolean canCut();

  /** From now on whatever is sent along these links is lost without a sign. */
  void cut(Collection<Link> links);

  /** Undoes all cuts. */
  void mend();

  @Override
  void close();

  /** Namespaces where this process may make them, else loopback. */
  static Network best(int slots) {
    return Namespaces.open(slots).<Network>map(n -> n).orElseGet(() -> new Loopback(slots));
  }
}
