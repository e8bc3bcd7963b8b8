package io.kvorum.verification.simulation;

import io.kvorum.actors.raft.Ports;
import io.kvorum.actors.raft.log.Entry;

/** Where a test may plant a bug between a replica and the world, to see that it is found. */
interface Tampering {
  Tampering NONE = new Tampering() {};

  default Ports ports(Life life, Ports ports) {
    return ports;
  }

  /** What applying an entry to a store comes to. */
  default Store.Applied applied(Life life, Entry entry, Store before) {
    return before.apply(entry);
  }

  /** Whether members are made to differ: then those who watch for it must say so. */
  default boolean makesMembersDiffer() {
    return false;
  }

  default void machine(Member member) {}

  default Store snapshot(Store sent) {
    return sent;
  }
}
