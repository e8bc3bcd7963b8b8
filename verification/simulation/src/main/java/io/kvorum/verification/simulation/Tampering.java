package io.kvorum.verification.simulation;

import io.kvorum.actors.raft.Ports;

/** Where a test may plant a bug between a replica and the world, to see that it is found. */
interface Tampering {
  Tampering NONE = new Tampering() {};

  default Ports ports(Life life, Ports ports) {
    return ports;
  }

  default void machine(Member member) {}

  default Store snapshot(Store sent) {
    return sent;
  }
}
