package io.kvorum.persistence.wal;

import io.kvorum.persistence.wal.WalFormat.Event;
import io.kvorum.persistence.wal.WalFormat.Serialized;
import java.io.NotSerializableException;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.persistence.PersistentRepr;
import org.apache.pekko.persistence.PersistentRepr$;
import org.apache.pekko.serialization.Serialization;
import org.apache.pekko.serialization.Serialization$;
import org.apache.pekko.serialization.SerializationExtension;
import org.apache.pekko.serialization.Serializer;
import org.apache.pekko.serialization.Serializers;
import org.jspecify.annotations.Nullable;

/**
 * Between Pekko's representation of an event and the stored one. A {@link WalRecord} goes through
 * without any serializer.
 */
final class WalCodec {

  private final ExtendedActorSystem system;
  private final Serialization serialization;

  WalCodec(ExtendedActorSystem system) {
    this.system = system;
    this.serialization = SerializationExtension.get(system);
  }

  /**
   * @throws NotSerializableException or whatever else the payload's serializer throws
   */
  Event event(PersistentRepr repr) throws Exception {
    Object payload = repr.payload();
    Object metadata = repr.metadata().isDefined() ? repr.metadata().get() : null;
    if (payload instanceof WalRecord record
        && metadata == null
        && repr.manifest().isEmpty()
        && repr.timestamp() == 0) {
      return Event.raw(record.bytes());
    }
    Serialized storedMetadata = metadata == null ? null : serialize(metadata);
    if (payload instanceof WalRecord record) {
      return new Event(
          false, true, 0, "", repr.manifest(), repr.timestamp(), storedMetadata, record.bytes());
    }
    Serialized stored = serialize(payload);
    return new Event(
        false,
        false,
        stored.serializerId(),
        stored.manifest(),
        repr.manifest(),
        repr.timestamp(),
        storedMetadata,
        stored.bytes());
  }

  PersistentRepr repr(String persistenceId, long sequence, String writer, Event event) {
    Object payload =
        event.raw()
            ? new WalRecord(event.payload())
            : deserialize(new Serialized(event.serializerId(), event.manifest(), event.payload()));
    PersistentRepr repr =
        PersistentRepr$.MODULE$
            .apply(payload, sequence, persistenceId, event.adapterManifest(), false, null, writer)
            .withTimestamp(event.timestamp());
    @Nullable Serialized metadata = event.metadata();
    return metadata == null ? repr : repr.withMetadata(deserialize(metadata));
  }

  private Serialized serialize(Object object) throws NotSerializableException {
    Serializer serializer = serialization.findSerializerFor(object);
    // References to actors are written with the system's address.
    return Serialization$.MODULE$.withTransportInformation(
        system,
        () ->
            new Serialized(
                serializer.identifier(),
                Serializers.manifestFor(serializer, object),
                serializer.toBinary(object)));
  }

  private Object deserialize(Serialized stored) {
    return serialization
        .deserialize(stored.bytes(), stored.serializerId(), stored.manifest())
        .get();
  }
}
