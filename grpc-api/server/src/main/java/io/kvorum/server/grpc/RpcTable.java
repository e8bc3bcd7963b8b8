package io.kvorum.server.grpc;

import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** All methods of the contract by service and name; those nobody serves say so by name. */
public final class RpcTable {
  /** A method and its instruments, resolved once. */
  record Entry(RpcMethod method, MethodMetrics metrics) {}

  private final Map<String, Map<String, Entry>> services;

  private RpcTable(Map<String, Map<String, Entry>> services) {
    this.services = services;
  }

  /**
   * A table of every service in {@code contract}.
   *
   * @param served what can be answered; a method that the contract does not have, or has in another
   *     shape, is refused
   */
  public static RpcTable of(
      Collection<FileDescriptor> contract,
      Collection<RpcMethod> served,
      Function<RpcMethod, MethodMetrics> metrics) {
    Map<MethodName, RpcMethod> byName = new HashMap<>();
    for (RpcMethod method : served) {
      if (byName.put(method.name(), method) != null) {
        throw new IllegalArgumentException(method.name() + " is served twice");
      }
    }
    Map<String, Map<String, Entry>> services = new HashMap<>();
    for (FileDescriptor file : contract) {
      for (ServiceDescriptor service : file.getServices()) {
        Map<String, Entry> methods = new HashMap<>();
        for (MethodDescriptor declared : service.getMethods()) {
          RpcMethod method = resolve(declared, byName);
          methods.put(declared.getName(), new Entry(method, metrics.apply(method)));
        }
        services.put(service.getFullName(), Map.copyOf(methods));
      }
    }
    if (!byName.isEmpty()) {
      throw new IllegalArgumentException("not in the contract: " + byName.keySet());
    }
    return new RpcTable(Map.copyOf(services));
  }

  private static RpcMethod resolve(
      MethodDescriptor declared, Map<MethodName, RpcMethod> servedByName) {
    MethodName name = new MethodName(declared.getService().getFullName(), declared.getName());
    RpcType type = RpcType.of(declared);
    RpcMethod method = servedByName.remove(name);
    if (method == null) {
      return new RpcMethod.NotServed(name, type);
    }
    if (method.type() != type) {
      throw new IllegalArgumentException(name + " is " + type + ", not " + method.type());
    }
    return method;
  }

  boolean hasService(String service) {
    return services.containsKey(service);
  }

  @Nullable Entry find(String service, String method) {
    Map<String, Entry> methods = services.get(service);
    return methods == null ? null : methods.get(method);
  }

  /** Every method, in no order. */
  public List<RpcMethod> methods() {
    List<RpcMethod> all = new ArrayList<>();
    services.values().forEach(methods -> methods.values().forEach(e -> all.add(e.method())));
    return all;
  }
}
