package io.kvorum.verification.simulation;

import io.kvorum.actors.raft.ReplicaMessage;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.ExtensibleBehavior;
import org.apache.pekko.actor.typed.TypedActorContext;
import org.apache.pekko.actor.typed.javadsl.ActorContext;

/**
 * Runs a replica's behaviour as its actor would, message by message, without an actor system. Of
 * its context a replica uses its own reference only; anything else fails.
 */
final class ReplicaDriver {
  private final TypedActorContext<ReplicaMessage> context;
  private Behavior<ReplicaMessage> behavior;

  /**
   * @param self where messages go that the replica sends to itself
   */
  ReplicaDriver(Behavior<ReplicaMessage> behavior, Consumer<ReplicaMessage> self) {
    this.behavior = behavior;
    this.context = context(self);
  }

  void receive(ReplicaMessage message) {
    if (!(behavior instanceof ExtensibleBehavior<ReplicaMessage> role)) {
      throw new IllegalStateException("the replica became " + behavior);
    }
    try {
      Behavior<ReplicaMessage> next = role.receive(context, message);
      if (next instanceof ExtensibleBehavior<ReplicaMessage>) {
        behavior = next;
      }
    } catch (Violation e) {
      throw e;
    } catch (RuntimeException e) {
      throw new Violation("the replica's own check", e);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** The role's name, for instance {@code Leader}. */
  String role() {
    return behavior.getClass().getSimpleName();
  }

  @SuppressWarnings("unchecked")
  private static TypedActorContext<ReplicaMessage> context(Consumer<ReplicaMessage> self) {
    ActorRef<ReplicaMessage> ref =
        proxy(
            ActorRef.class,
            (proxy, method, arguments) -> {
              if (method.getName().equals("tell")) {
                self.accept((ReplicaMessage) arguments[0]);
                return null;
              }
              throw new UnsupportedOperationException(method.toString());
            });
    return proxy(
        ActorContext.class,
        (proxy, method, arguments) ->
            switch (method.getName()) {
              case "asJava" -> proxy;
              case "getSelf" -> ref;
              default -> throw new UnsupportedOperationException(method.toString());
            });
  }

  @SuppressWarnings("unchecked")
  private static <T> T proxy(Class<?> type, InvocationHandler handler) {
    return (T)
        Proxy.newProxyInstance(
            ReplicaDriver.class.getClassLoader(), new Class<?>[] {type}, handler);
  }
}
