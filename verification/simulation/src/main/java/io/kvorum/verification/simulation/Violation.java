package io.kvorum.verification.simulation;

/** Something happened that must never happen. */
final class Violation extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String invariant;

  /**
   * @param invariant its short name, the same for all violations of it
   */
  Violation(String invariant, String details) {
    super(invariant + ": " + details);
    this.invariant = invariant;
  }

  Violation(String invariant, Throwable cause) {
    super(invariant + ": " + cause.getMessage(), cause);
    this.invariant = invariant;
  }

  String invariant() {
    return invariant;
  }

  static void check(boolean holds, String invariant, java.util.function.Supplier<String> details) {
    if (!holds) {
      throw new Violation(invariant, details.get());
    }
  }
}
