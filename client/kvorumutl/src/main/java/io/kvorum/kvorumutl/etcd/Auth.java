package io.kvorum.kvorumutl.etcd;

import io.kvorum.protocol.authpb.Role;
import io.kvorum.protocol.authpb.User;
import java.util.List;

/** The buckets {@code auth}, {@code authUsers} and {@code authRoles}. */
public record Auth(boolean enabled, long revision, List<User> users, List<Role> roles) {
  public boolean isEmpty() {
    return !enabled && users.isEmpty() && roles.isEmpty();
  }
}
