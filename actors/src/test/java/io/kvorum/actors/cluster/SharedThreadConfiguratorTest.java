package io.kvorum.actors.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;

import com.typesafe.config.ConfigFactory;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.ActorSystem;
import org.junit.jupiter.api.Test;

class SharedThreadConfiguratorTest {
  private static final String NAME = "shared-thread-test";

  private static ActorSystem system(String thread) {
    return ActorSystem.create(
        "test",
        ConfigFactory.parseString("kvorum.raft-thread = \"" + thread + "\"")
            .withFallback(ConfigFactory.load()));
  }

  private static Thread threadOf(ActorSystem system) {
    var dispatcher = system.dispatchers().lookup("kvorum.raft-dispatcher");
    return CompletableFuture.supplyAsync(Thread::currentThread, dispatcher)
        .orTimeout(10, TimeUnit.SECONDS)
        .join();
  }

  private static void end(ActorSystem system) {
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().orTimeout(10, TimeUnit.SECONDS).join();
  }

  @Test
  void systemsShareTheThreadOfANameAndItEndsWithTheLastOfThem() throws InterruptedException {
    ActorSystem one = system(NAME);
    ActorSystem other = system(NAME);
    Thread thread = threadOf(one);
    assertEquals(NAME, thread.getName().replaceAll("-\\d+$", ""));
    assertSame(thread, threadOf(other));
    end(one);
    assertSame(thread, threadOf(other));
    end(other);
    thread.join(Duration.ofSeconds(10));
    assertEquals(Thread.State.TERMINATED, thread.getState());
  }

  @Test
  void withoutANameEachHasItsOwn() {
    ActorSystem one = system("");
    ActorSystem other = system("");
    assertNotSame(threadOf(one), threadOf(other));
    end(one);
    end(other);
  }
}
