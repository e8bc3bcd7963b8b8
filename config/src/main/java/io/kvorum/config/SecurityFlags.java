package io.kvorum.config;

import static io.kvorum.config.FlagType.BOOL;
import static io.kvorum.config.FlagType.ENUM;
import static io.kvorum.config.FlagType.STRING;
import static io.kvorum.config.FlagType.STRING_LIST;
import static io.kvorum.config.FlagType.UINT;
import static io.kvorum.config.FlagType.UINT_SECONDS;
import static io.kvorum.config.FlagType.UINT_YEARS;
import static io.kvorum.config.FlagType.URL_LIST;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Flags of TLS, of the browser's rules and of authentication: all of them still to come. */
final class SecurityFlags {

  private static final String GROUP = "Security";
  private static final String CLIENT = "client-transport-security.";
  private static final String PEER = "peer-transport-security.";

  static final List<Flag> ALL =
      List.of(
          text("cert-file", CLIENT + "cert-file", "certificate shown to clients"),
          text("key-file", CLIENT + "key-file", "key of that certificate"),
          bool("client-cert-auth", CLIENT + "client-cert-auth", "ask clients for a certificate"),
          text("client-cert-file", CLIENT + "client-cert-file", "certificate used as a client"),
          text("client-key-file", CLIENT + "client-key-file", "key of that certificate"),
          text("client-crl-file", null, "revoked client certificates"),
          names("client-cert-allowed-hostname", CLIENT + "allowed-hostname", "allowed host names"),
          text("trusted-ca-file", CLIENT + "trusted-ca-file", "authorities for clients"),
          bool("auto-tls", CLIENT + "auto-tls", "make a certificate for clients"),
          text("peer-cert-file", PEER + "cert-file", "certificate shown to members"),
          text("peer-key-file", PEER + "key-file", "key of that certificate"),
          bool("peer-client-cert-auth", PEER + "client-cert-auth", "ask members for a certificate"),
          text(
              "peer-client-cert-file",
              PEER + "client-cert-file",
              "certificate shown when dialling"),
          text("peer-client-key-file", PEER + "client-key-file", "key of that certificate"),
          text("peer-trusted-ca-file", PEER + "trusted-ca-file", "authorities for members"),
          names("peer-cert-allowed-cn", PEER + "allowed-cn", "allowed common names of members"),
          names(
              "peer-cert-allowed-hostname", PEER + "allowed-hostname", "allowed hosts of members"),
          bool("peer-auto-tls", PEER + "auto-tls", "make a certificate for members"),
          bool(
              "peer-skip-client-san-verification",
              PEER + "skip-client-san-verification",
              "do not check the addresses in members' certificates"),
          text("peer-crl-file", null, "revoked certificates of members"),
          flag("self-signed-cert-validity", UINT_YEARS, "1", "years a made certificate is valid"),
          flag("cipher-suites", STRING_LIST, "", "allowed TLS cipher suites"),
          flag("tls-min-version", ENUM, "TLS1.2", "lowest TLS version")
              .withChoices("TLS1.2", "TLS1.3"),
          flag("tls-max-version", ENUM, "", "highest TLS version")
              .withChoices("TLS1.2", "TLS1.3", ""),
          flag("cors", URL_LIST, "*", "origins from which a browser may call"),
          flag("host-whitelist", STRING_LIST, "*", "accepted names in the Host header"),
          flag("auth-token", STRING, "simple", "kind of tokens: simple or jwt with options"),
          flag("bcrypt-cost", UINT, "10", "work factor of stored passwords"),
          flag("auth-token-ttl", UINT_SECONDS, "300", "seconds an unused token lives"));

  private SecurityFlags() {}

  private static Flag flag(String name, FlagType type, String defaultText, String meaning) {
    return Flag.of(GROUP, name, type, defaultText, meaning).notYet();
  }

  private static Flag text(String name, @Nullable String fileKey, String meaning) {
    return flag(name, STRING, "", meaning).withFileKey(fileKey);
  }

  private static Flag bool(String name, String fileKey, String meaning) {
    return flag(name, BOOL, "false", meaning).withFileKey(fileKey);
  }

  private static Flag names(String name, String fileKey, String meaning) {
    return flag(name, STRING_LIST, "", meaning).withFileKey(fileKey);
  }
}
