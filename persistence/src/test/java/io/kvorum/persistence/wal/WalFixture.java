package io.kvorum.persistence.wal;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.io.NotSerializableException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.persistence.AtomicWrite;
import org.apache.pekko.persistence.JournalProtocol;
import org.apache.pekko.persistence.Persistence;
import org.apache.pekko.persistence.PersistentEnvelope;
import org.apache.pekko.persistence.PersistentRepr;
import org.apache.pekko.persistence.PersistentRepr$;
import org.apache.pekko.serialization.SerializerWithStringManifest;
import org.apache.pekko.testkit.javadsl.TestKit;
import scala.jdk.javaapi.CollectionConverters;

/**
 * An actor system with the journal on a directory, spoken to in the protocol of persistent actors.
 */
final class WalFixture implements AutoCloseable {

  static final String PLUGIN = "kvorum.wal.journal";
  static final Duration PATIENCE = Duration.ofSeconds(20);

  final ActorSystem system;
  final ActorRef journal;

  private WalFixture(ActorSystem system) {
    this.system = system;
    this.journal = Persistence.get(system).journalFor(PLUGIN, ConfigFactory.empty());
  }

  static WalFixture open(Path directory) {
    return open(WalSettings.in(directory), WalMetrics.NONE);
  }

  static WalFixture open(WalSettings settings, WalMetrics metrics) {
    ActorSystem system = ActorSystem.create("wal", config());
    try {
      WalJournalExtension.get(system).open(settings, metrics);
      return new WalFixture(system);
    } catch (RuntimeException e) {
      terminate(system);
      throw e;
    }
  }

  static Config config() {
    return ConfigFactory.parseString(
            """
            pekko.loglevel = ERROR
            pekko.stdout-loglevel = ERROR
            pekko.persistence.publish-plugin-commands = on
            pekko.actor.serializers.text = "%s"
            pekko.actor.serialization-bindings { "%s" = text }
            pekko.actor.allow-java-serialization = off
            """
                .formatted(TextSerializer.class.getName(), Text.class.getName()))
        .withFallback(ConfigFactory.load());
  }

  /**
   * An event with a serializer of its own, and one reference to an actor, which needs the system's
   * address.
   */
  record Text(String text, ActorRef actor) {}

  static final class TextSerializer extends SerializerWithStringManifest {
    private final ExtendedActorSystem system;

    public TextSerializer(ExtendedActorSystem system) {
      this.system = system;
    }

    @Override
    public int identifier() {
      return 471_100;
    }

    @Override
    public String manifest(Object object) {
      return "T";
    }

    @Override
    public byte[] toBinary(Object object) {
      Text text = (Text) object;
      return (org.apache.pekko.serialization.Serialization.serializedActorPath(text.actor())
              + "\n"
              + text.text())
          .getBytes(UTF_8);
    }

    @Override
    public Object fromBinary(byte[] bytes, String manifest) throws NotSerializableException {
      String[] parts = new String(bytes, UTF_8).split("\n", 2);
      if (!manifest.equals("T") || parts.length != 2) {
        throw new NotSerializableException(manifest);
      }
      return new Text(parts[1], system.provider().resolveActorRef(parts[0]));
    }
  }

  static PersistentRepr repr(String persistenceId, long sequence, Object payload, String writer) {
    return PersistentRepr$.MODULE$.apply(
        payload, sequence, persistenceId, "", false, ActorRef.noSender(), writer);
  }

  static AtomicWrite atomic(PersistentRepr... reprs) {
    return new AtomicWrite(CollectionConverters.asScala(List.of(reprs)).toList());
  }

  void write(TestKit from, AtomicWrite... writes) {
    List<PersistentEnvelope> envelopes = new ArrayList<>(List.of(writes));
    journal.tell(
        new JournalProtocol.WriteMessages(
            CollectionConverters.asScala(envelopes).toList(), from.getRef(), 1),
        from.getRef());
  }

  /** The events of a replay, then its end. */
  record Replayed(List<PersistentRepr> events, long highest) {
    List<Long> sequences() {
      return events.stream().map(PersistentRepr::sequenceNr).toList();
    }
  }

  Replayed replay(String persistenceId) {
    return replay(persistenceId, 1, Long.MAX_VALUE, Long.MAX_VALUE);
  }

  Replayed replay(String persistenceId, long from, long to, long max) {
    List<PersistentRepr> events = new ArrayList<>();
    TestKit receiver = startReplay(persistenceId, from, to, max);
    while (true) {
      Object message = receiver.receiveOne(PATIENCE);
      if (message instanceof JournalProtocol.ReplayedMessage event) {
        events.add(event.persistent());
      } else if (message instanceof JournalProtocol.RecoverySuccess end) {
        return new Replayed(events, end.highestSequenceNr());
      } else {
        throw new AssertionError("replay of " + persistenceId + " ended with " + message);
      }
    }
  }

  /** The reason why a replay failed, after the events before it. */
  Throwable failedReplay(String persistenceId, int eventsBefore) {
    TestKit receiver = startReplay(persistenceId, 1, Long.MAX_VALUE, Long.MAX_VALUE);
    for (int i = 0; i < eventsBefore; i++) {
      receiver.expectMsgClass(PATIENCE, JournalProtocol.ReplayedMessage.class);
    }
    return receiver.expectMsgClass(PATIENCE, JournalProtocol.ReplayMessagesFailure.class).cause();
  }

  private TestKit startReplay(String persistenceId, long from, long to, long max) {
    TestKit receiver = new TestKit(system);
    journal.tell(
        new JournalProtocol.ReplayMessages(from, to, max, persistenceId, receiver.getRef()),
        receiver.getRef());
    return receiver;
  }

  void delete(String persistenceId, long to) {
    TestKit receiver = new TestKit(system);
    journal.tell(
        new JournalProtocol.DeleteMessagesTo(persistenceId, to, receiver.getRef()),
        receiver.getRef());
    receiver.expectMsgClass(PATIENCE, org.apache.pekko.persistence.DeleteMessagesSuccess.class);
  }

  @Override
  public void close() {
    terminate(system);
  }

  private static void terminate(ActorSystem system) {
    system.terminate();
    try {
      system.getWhenTerminated().toCompletableFuture().orTimeout(60, TimeUnit.SECONDS).join();
    } catch (CompletionException e) {
      throw new IllegalStateException(
          e.getCause() instanceof TimeoutException ? "system does not end" : "", e);
    }
  }
}
