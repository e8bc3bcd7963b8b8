package io.kvorum.server;

/** The version of etcd whose behaviour this server keeps, as clients are told. */
public final class EtcdVersion {
  public static final String SERVER = "3.7.1";

  private EtcdVersion() {}
}
