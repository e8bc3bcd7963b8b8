package io.kvorum.actors.group;

import io.kvorum.persistence.mvcc.KeyValueHash;
import io.kvorum.protocol.MemberId;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Who deviates. Hashes can be compared where revision and compacted revision are equal; of those,
 * the one that a quorum of all members holds is right, and whoever holds another one is corrupt.
 * Where none has a quorum nobody can tell who is, and {@link MemberId#NONE} stands for that (etcd's
 * rule after compactions, server/etcdserver/corrupt.go).
 *
 * @param deviating empty where nobody deviates
 * @param compared members whose hash was compared, the leader among them
 */
record HashVerdict(Set<MemberId> deviating, int compared) {

  /**
   * @param leader who compares
   * @param others what the other members answered
   * @param members in all, those that did not answer counted
   */
  static HashVerdict of(MemberId leader, KeyValueHash own, List<PeerHash> others, int members) {
    Map<Integer, Set<MemberId>> holders = new TreeMap<>();
    holders.computeIfAbsent(own.crc32c(), hash -> new TreeSet<>()).add(leader);
    for (PeerHash other : others) {
      if (other.hash().revision() == own.revision()
          && other.hash().compactedRevision() == own.compactedRevision()) {
        holders.computeIfAbsent(other.hash().crc32c(), hash -> new TreeSet<>()).add(other.member());
      }
    }
    int compared = holders.values().stream().mapToInt(Set::size).sum();
    if (holders.size() == 1) {
      return new HashVerdict(Set.of(), compared);
    }
    int quorum = members / 2 + 1;
    Set<MemberId> deviating =
        holders.values().stream()
            .filter(same -> same.size() < quorum)
            .flatMap(Set::stream)
            .collect(Collectors.toCollection(HashSet::new));
    return deviating.size() == compared
        ? new HashVerdict(Set.of(MemberId.NONE), compared)
        : new HashVerdict(Set.copyOf(deviating), compared);
  }
}
