package io.kvorum.deploy;

import io.kvorum.actors.group.GroupSupervisor;
import io.kvorum.persistence.leveldb.StorageException;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends the process when damage was met on the disk: a member that cannot read its state must
 * neither lead nor answer. It ends in order, so that leadership is handed over; but LevelDB may
 * never return from what it was doing, and then it is ended anyhow.
 */
final class DamageWatch {
  private static final Logger log = LoggerFactory.getLogger(DamageWatch.class);

  private static final Duration END_IN_ORDER = Duration.ofSeconds(15);

  private static final int EXIT_CODE = 1;

  private final GroupSupervisor.Lifecycle lifecycle;
  private final AtomicBoolean ending = new AtomicBoolean();

  DamageWatch(GroupSupervisor.Lifecycle lifecycle) {
    this.lifecycle = lifecycle;
  }

  void watch(CompletionStage<StorageException> damage) {
    damage.thenAccept(this::end);
  }

  private void end(StorageException damage) {
    if (!ending.compareAndSet(false, true)) {
      return;
    }
    log.error("the data of this member is damaged, the process ends: {}", damage.getMessage());
    if (lifecycle.ready().completeExceptionally(damage)) {
      // It has not served yet: who waits for that ends the process.
      return;
    }
    Thread exit = Thread.ofPlatform().name("damaged").start(() -> System.exit(EXIT_CODE));
    Thread.ofPlatform().name("damaged-halt").daemon().start(() -> haltBehind(exit));
  }

  private static void haltBehind(Thread exit) {
    try {
      exit.join(END_IN_ORDER);
    } catch (InterruptedException e) {
      log.debug("no more waiting for an end in order", e);
    }
    Runtime.getRuntime().halt(EXIT_CODE);
  }
}
