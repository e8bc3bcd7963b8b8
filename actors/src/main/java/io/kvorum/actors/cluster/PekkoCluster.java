package io.kvorum.actors.cluster;

import java.util.List;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.AddressFromURIString;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.JoinSeedNodes;

/**
 * Pekko Cluster beside the groups, for whoever wants to discover the processes. No group asks it
 * anything, and nothing it believes stops a process: there is no downing.
 */
public final class PekkoCluster {
  private PekkoCluster() {}

  /**
   * Joins through the members of a group, in the background, as long as it takes. Seeds come from
   * the replicated membership only, so that clusters do not mix.
   *
   * @param members where the group's members are, this one among them, in the same order on all
   */
  public static void join(ActorSystem<?> system, List<PeerAddress> members) {
    List<Address> seeds =
        members.stream()
            .map(a -> AddressFromURIString.parse("pekko://" + system.name() + "@" + a))
            .toList();
    Cluster.get(system).manager().tell(new JoinSeedNodes(seeds));
  }
}
