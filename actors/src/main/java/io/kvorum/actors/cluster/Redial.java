package io.kvorum.actors.cluster;

import java.lang.reflect.Field;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.remote.RemoteActorRefProvider;
import org.apache.pekko.remote.artery.ArteryTransport;
import org.apache.pekko.remote.artery.Association;
import org.apache.pekko.stream.SharedKillSwitch;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Cuts the connections to a peer that is not heard any more, so that the next message dials anew.
 *
 * <p>While a peer is cut off, TCP tries again after twice the time of the last try, up to two
 * minutes: what is lost for 30 seconds may stay lost for 30 more, and a machine that lost its power
 * does not even close its connections. Artery has no timeout for that, and Java offers no
 * TCP_USER_TIMEOUT. etcd's own transport likewise breaks a connection on which nothing is read for
 * 5 seconds.
 *
 * <p>Reaches into Artery, which is pinned to one version; if its insides change, the connections
 * for entries and snapshots heal as late as TCP wants, and a test fails.
 */
final class Redial {
  private static final Logger log = LoggerFactory.getLogger(Redial.class);
  private static final int CONTROL_STREAM = 0;
  private static final @Nullable Field STREAMS = streams();

  private Redial() {}

  /** The connections to one peer are given up; what was on its way on them may be lost. */
  static void cut(ExtendedActorSystem system, PeerAddress peer) {
    if (!(system.provider() instanceof RemoteActorRefProvider provider)
        || !(provider.transport() instanceof ArteryTransport transport)) {
      return;
    }
    Address address = new Address("pekko", system.name(), peer.host(), peer.port());
    Association association = transport.association(address);
    // Only the connection: what stands before it remembers which system messages are confirmed, and
    // its failure would put the peer into quarantine.
    abort(association.associationState().controlIdleKillSwitch());
    if (STREAMS == null) {
      return;
    }
    try {
      AtomicReference<?> streams = (AtomicReference<?>) STREAMS.get(association);
      if (streams != null
          && streams.get() instanceof scala.collection.immutable.Map<?, ?> byIndex) {
        CollectionConverters.asJava(byIndex)
            .forEach(
                (index, stream) -> {
                  if (!index.equals(CONTROL_STREAM)
                      && stream instanceof Association.OutboundStreamMatValues values) {
                    abort(values.streamKillSwitch());
                  }
                });
      }
    } catch (IllegalAccessException e) {
      throw new IllegalStateException("was made accessible", e);
    }
  }

  private static void abort(@Nullable SharedKillSwitch connection) {
    if (connection != null) {
      connection.abort(new SilentPeerException());
    }
  }

  private static @Nullable Field streams() {
    try {
      Field field = Association.class.getDeclaredField("streamMatValues");
      field.setAccessible(true);
      return field;
    } catch (ReflectiveOperationException | RuntimeException e) {
      log.warn("stuck connections for entries cannot be cut: {}", e.toString());
      return null;
    }
  }

  /** Why a connection was given up. */
  private static final class SilentPeerException extends Exception {
    private static final long serialVersionUID = 1;

    SilentPeerException() {
      super("nothing was heard of the peer", null, false, false);
    }
  }
}
