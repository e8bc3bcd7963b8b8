package io.kvorum.verification.simulation;

/** Looks for fewer faults that lead to the same violation. */
final class Shrinking {
  private Shrinking() {}

  /** Leaves out one fault after the other, as long as the same invariant breaks without it. */
  static SeedRun.Result shrink(SeedRun.Result failed, Tampering tampering) {
    SeedRun.Result smallest = failed;
    boolean smaller = true;
    while (smaller) {
      smaller = false;
      for (Fault fault : smallest.plan().faults()) {
        SeedRun.Result without =
            SeedRun.run(smallest.plan().only(f -> f.number() != fault.number()), tampering);
        if (breaksTheSame(without, failed)) {
          smallest = without;
          smaller = true;
          break;
        }
      }
    }
    return smallest;
  }

  private static boolean breaksTheSame(SeedRun.Result one, SeedRun.Result other) {
    return one.failure() != null
        && other.failure() != null
        && one.failure().invariant().equals(other.failure().invariant());
  }
}
