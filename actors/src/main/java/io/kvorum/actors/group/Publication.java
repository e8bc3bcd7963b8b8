package io.kvorum.actors.group;

import io.kvorum.actors.cluster.GroupPeers;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.internal.ClusterVersion;
import io.kvorum.protocol.internal.Command;
import io.kvorum.protocol.internal.MemberAttributes;
import io.kvorum.protocol.internal.Membership;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * What a member says through the log: its name and client URLs at each start, and, while it leads,
 * the cluster's version. Only proposes; when, and what follows, is the supervisor's matter.
 */
final class Publication {
  private final GroupSettings settings;
  private final MemberId self;
  private final LocalGroup group;
  private final GroupPeers peers;

  Publication(GroupSettings settings, MemberId self, LocalGroup group, GroupPeers peers) {
    this.settings = settings;
    this.self = self;
    this.group = group;
    this.peers = peers;
  }

  CompletionStage<Outcome<Membership>> attributes() {
    return group.propose(
        Command.newBuilder()
            .setMemberAttributes(
                MemberAttributes.newBuilder()
                    .setMemberId(self.value())
                    .setName(settings.memberName())
                    .addAllClientUrls(settings.clientUrls())),
        Membership.class);
  }

  /** The version that this member, as leader, would now decide on; empty to leave it. */
  Optional<String> nextVersion(Membership membership) {
    return group.leader().equals(self)
        ? VersionNegotiation.decide(membership, this::serverVersion)
        : Optional.empty();
  }

  private Optional<String> serverVersion(MemberId member) {
    if (member.equals(self)) {
      return Optional.of(settings.serverVersion());
    }
    return Optional.ofNullable(peers.links().get(member))
        .map(GroupPeers.Link::serverVersion)
        .filter(version -> !version.isEmpty());
  }

  CompletionStage<Outcome<Membership>> version(String next) {
    return group.propose(
        Command.newBuilder().setClusterVersion(ClusterVersion.newBuilder().setVersion(next)),
        Membership.class);
  }
}
