package io.kvorum.server;

import io.kvorum.actors.group.Group;
import io.kvorum.protocol.etcdserverpb.WatchRequest;
import io.kvorum.server.grpc.ElementFraming;
import io.kvorum.server.grpc.MethodName;
import io.kvorum.server.grpc.RpcMethod;
import java.util.List;

/**
 * {@code etcdserverpb.Watch}: the group's watch source on the wire. That a client which closes its
 * side keeps its events, and how a stream ends, is the matter of {@link RpcMethod.BidiStream}.
 */
final class WatchService {
  private final Group group;

  WatchService(Group group) {
    this.group = group;
  }

  List<RpcMethod> methods() {
    return List.of(
        new RpcMethod.BidiStream<>(
            new MethodName("etcdserverpb.Watch", "Watch"),
            WatchRequest.parser(),
            chunk -> new ElementFraming.Frames(chunk.bytes(), chunk.responses()),
            false,
            group::watch));
  }
}
