package io.kvorum.actors.group;

import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import java.util.Comparator;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which version a cluster may speak: the lowest of its members' versions, without the patch level.
 * The leader decides it when it has heard all members, and it goes back only for a downgrade that
 * was enabled; so a cluster whose members are upgraded one by one uses what is new only when all of
 * them know it.
 */
final class VersionNegotiation {
  private static final Pattern FORM = Pattern.compile("(\\d{1,9})\\.(\\d{1,9})(\\.\\d.*)?");

  private record Minor(int major, int minor) implements Comparable<Minor> {
    private static final Comparator<Minor> ORDER =
        Comparator.comparingInt(Minor::major).thenComparingInt(Minor::minor);

    static Optional<Minor> parse(String text) {
      Matcher matcher = FORM.matcher(text);
      return matcher.matches()
          ? Optional.of(
              new Minor(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2))))
          : Optional.empty();
    }

    boolean isOneBelow(Optional<Minor> other) {
      return other.equals(Optional.of(new Minor(major, minor + 1)));
    }

    String text() {
      return major + "." + minor + ".0";
    }

    @Override
    public int compareTo(Minor other) {
      return ORDER.compare(this, other);
    }
  }

  private VersionNegotiation() {}

  /**
   * @param serverVersion of a member, if it was heard
   * @return the version that the cluster should have from now on, for example {@code 3.7.0}; empty
   *     to leave it as it is
   */
  static Optional<String> decide(
      Membership membership, Function<MemberId, Optional<String>> serverVersion) {
    Optional<Minor> lowest = lowest(membership, serverVersion);
    Optional<Minor> present = Minor.parse(membership.getClusterVersion());
    if (!membership.getDowngradeTarget().isEmpty()) {
      // One step down from what all members run, as etcd's (version/monitor.go), or nothing.
      Optional<Minor> target = Minor.parse(membership.getDowngradeTarget());
      return target
          .filter(next -> !target.equals(present))
          .filter(next -> next.isOneBelow(present) && next.isOneBelow(lowest))
          .map(Minor::text);
    }
    return lowest
        .filter(next -> present.isEmpty() || next.compareTo(present.get()) > 0)
        .map(Minor::text);
  }

  /** Of all members' versions; empty as long as one is not known. */
  private static Optional<Minor> lowest(
      Membership membership, Function<MemberId, Optional<String>> serverVersion) {
    Optional<Minor> lowest = Optional.empty();
    for (Membership.Member member : membership.getMembersList()) {
      Optional<Minor> version =
          serverVersion.apply(new MemberId(member.getId())).flatMap(Minor::parse);
      if (version.isEmpty()) {
        return Optional.empty();
      }
      lowest = lowest.filter(l -> l.compareTo(version.get()) <= 0).or(() -> version);
    }
    return lowest;
  }
}
