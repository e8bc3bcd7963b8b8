package io.kvorum.verification.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The arrows between the rooms, and the rules inside them that docs/ARCHITECTURE.md gives. */
class ArchitectureTest {
  /** From the ground up: a room may use those that stand before it. */
  private static final List<String> ROOMS =
      List.of("config", "protocol", "persistence", "actors", "kvorumutl", "server", "deploy");

  /** Written by protoc and pekko-grpc. */
  private static final String[] GENERATED = {
    "io.kvorum.protocol.etcdserverpb..",
    "io.kvorum.protocol.mvccpb..",
    "io.kvorum.protocol.authpb..",
    "io.kvorum.protocol.v3lockpb..",
    "io.kvorum.protocol.v3electionpb..",
    "io.kvorum.protocol.health..",
    "io.kvorum.protocol.internal.."
  };

  private static final String[] LEVELDB = {"org.iq80.leveldb..", "org.fusesource.."};

  private static final JavaClasses KVORUM =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages(ROOMS.stream().map(room -> "io.kvorum." + room).toList());

  @Test
  void everyRoomIsLookedAt() {
    for (var room : ROOMS)
      assertTrue(
          KVORUM.stream().anyMatch(resideInAPackage(of(room))),
          "no class of " + of(room) + " was found");
  }

  @TestFactory
  Stream<DynamicTest> aRoomUsesOnlyThoseBeforeIt() {
    return ROOMS.stream()
        .map(
            room -> {
              var later = new ArrayList<>(ROOMS.subList(ROOMS.indexOf(room) + 1, ROOMS.size()));
              // the two at the ground stand side by side
              if (room.equals("protocol")) later.add("config");
              // a program of its own
              if (room.equals("server") || room.equals("deploy")) later.add("kvorumutl");
              return dynamicTest(room, () -> usesNone(room, later));
            });
  }

  private static void usesNone(String room, List<String> others) {
    if (others.isEmpty()) return;
    noClasses()
        .that()
        .resideInAPackage(of(room))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(others.stream().map(ArchitectureTest::of).toArray(String[]::new))
        .check(KVORUM);
  }

  @Test
  void raftKnowsNoWireAndNoStore() {
    noClasses()
        .that()
        .resideInAPackage("io.kvorum.actors.raft..")
        .should()
        .dependOnClassesThat(
            resideInAnyPackage("io.grpc..", "org.apache.pekko.grpc..", "org.apache.pekko.http..")
                .or(resideInAnyPackage(LEVELDB)))
        .check(KVORUM);
  }

  @Test
  void raftKnowsNoWallClock() {
    noClasses()
        .that()
        .resideInAPackage("io.kvorum.actors.raft..")
        .should()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(System.class, "nanoTime")
        .orShould()
        .callMethod(Instant.class, "now")
        .orShould()
        .dependOnClassesThat()
        .areAssignableTo(Clock.class)
        .because("its time arrives as ticks, so that it runs on virtual time too")
        .check(KVORUM);
  }

  @Test
  void onlyPersistenceKnowsLevelDb() {
    onlyIn("io.kvorum.persistence..", LEVELDB);
  }

  @Test
  void onlyTelemetryKnowsKamon() {
    onlyIn("io.kvorum.actors.telemetry..", "kamon..");
  }

  @Test
  void onlyClusterNamesArtery() {
    onlyIn("io.kvorum.actors.cluster..", "org.apache.pekko.remote..", "org.apache.pekko.cluster..");
  }

  private static void onlyIn(String home, String... libraries) {
    noClasses()
        .that(not(resideInAPackage(home)))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(libraries)
        .check(KVORUM);
  }

  @Test
  void everyPackageIsNullMarked() {
    var unmarked =
        KVORUM.stream()
            .filter(not(resideInAnyPackage(GENERATED)))
            .map(JavaClass::getPackage)
            .distinct()
            .filter(
                p ->
                    p.tryGetPackageInfo()
                        .map(info -> !info.isAnnotatedWith(NullMarked.class))
                        .orElse(true))
            .map(JavaPackage::getName)
            .toList();
    assertTrue(unmarked.isEmpty(), "without @NullMarked: " + unmarked);
  }

  private static String of(String room) {
    return "io.kvorum." + room + "..";
  }
}
