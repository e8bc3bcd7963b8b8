package io.kvorum.server;

import io.kvorum.actors.group.Group;
import io.kvorum.actors.group.GroupStatus;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.DowngradeRequest;
import io.kvorum.protocol.etcdserverpb.DowngradeResponse;
import io.kvorum.protocol.internal.Command;
import io.kvorum.protocol.internal.Downgrade;
import io.kvorum.protocol.internal.Membership;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.pekko.Done;
import org.jspecify.annotations.Nullable;

/**
 * {@code Maintenance.Downgrade}, validated as etcd's (server/etcdserver/version/version.go). A
 * downgrade that is enabled stands in the replicated state, and the cluster's version follows its
 * target; nothing is written in an older form, since there is no older Kvorum to read it.
 */
final class DowngradeService {
  /** As a semantic version; the patch, and what may stand behind it, do not matter. */
  private static final Pattern FORM =
      Pattern.compile(
          "(\\d{1,18})\\.(\\d{1,18})(?:\\.\\d{1,18}(?:-[0-9A-Za-z-.]+)?(?:\\+[0-9A-Za-z-.]+)?)?");

  private record Minor(long major, long minor) {
    static @Nullable Minor parse(String text) {
      Matcher matcher = FORM.matcher(text);
      return matcher.matches()
          ? new Minor(Long.parseLong(matcher.group(1)), Long.parseLong(matcher.group(2)))
          : null;
    }

    Minor before() {
      return new Minor(major, minor - 1);
    }

    /** As clients are told a cluster's version. */
    String shortText() {
      return major + "." + minor;
    }

    String text() {
      return shortText() + ".0";
    }
  }

  private final Group group;

  DowngradeService(Group group) {
    this.group = group;
  }

  CompletionStage<Outcome<DowngradeResponse>> downgrade(DowngradeRequest request) {
    return switch (request.getAction()) {
      case VALIDATE -> validated(request.getVersion()).thenApply(o -> o.map(t -> response()));
      case ENABLE -> enable(request.getVersion());
      case CANCEL -> cancel();
      case UNRECOGNIZED -> refused(EtcdError.UNKNOWN_METHOD);
    };
  }

  /** The target, if the cluster may be downgraded to it now. */
  private CompletionStage<Outcome<Minor>> validated(String version) {
    Minor target = Minor.parse(version);
    if (target == null) {
      return refused(EtcdError.WRONG_DOWNGRADE_VERSION_FORMAT);
    }
    if (group.status().clusterVersion().isEmpty()) {
      return refused(EtcdError.CLUSTER_VERSION_UNAVAILABLE);
    }
    return group
        .linearizableBarrier()
        .thenApply(
            barrier ->
                switch (barrier) {
                  case Outcome.Refused<Done>(var error) -> Outcome.refused(error);
                  case Outcome.Ok<Done> open -> allowed(target);
                });
  }

  private Outcome<Minor> allowed(Minor target) {
    GroupStatus status = group.status();
    Minor present = Minor.parse(status.clusterVersion());
    if (present == null || !target.equals(present.before())) {
      return Outcome.refused(EtcdError.INVALID_DOWNGRADE_TARGET_VERSION);
    }
    return status.downgradeTarget().isEmpty()
        ? Outcome.ok(target)
        : Outcome.refused(EtcdError.DOWNGRADE_IN_PROCESS);
  }

  private CompletionStage<Outcome<DowngradeResponse>> enable(String version) {
    return validated(version)
        .thenCompose(
            outcome ->
                switch (outcome) {
                  case Outcome.Refused<Minor>(var error) -> refused(error);
                  case Outcome.Ok<Minor>(var target) ->
                      propose(target.text()).thenApply(o -> o.map(applied -> response()));
                });
  }

  /** Succeeds whatever comes of it, as etcd's does: it only logs what went wrong. */
  private CompletionStage<Outcome<DowngradeResponse>> cancel() {
    return group
        .linearizableBarrier()
        .thenCompose(
            barrier ->
                barrier instanceof Outcome.Refused<Done>
                        || group.status().downgradeTarget().isEmpty()
                    ? CompletableFuture.completedFuture(Outcome.ok(response()))
                    : propose("").thenApply(applied -> Outcome.ok(response())));
  }

  private CompletionStage<Outcome<Membership>> propose(String target) {
    return group.propose(
        Command.newBuilder().setDowngrade(Downgrade.newBuilder().setTargetVersion(target)),
        Membership.class);
  }

  private DowngradeResponse response() {
    GroupStatus status = group.status();
    Minor present = Minor.parse(status.clusterVersion());
    return DowngradeResponse.newBuilder()
        .setHeader(group.header(status.currentRevision()))
        .setVersion(present == null ? "" : present.shortText())
        .build();
  }

  private static <R> CompletionStage<Outcome<R>> refused(EtcdError error) {
    return CompletableFuture.completedFuture(Outcome.refused(error));
  }
}
