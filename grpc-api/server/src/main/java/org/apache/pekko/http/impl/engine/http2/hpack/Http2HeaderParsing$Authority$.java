package org.apache.pekko.http.impl.engine.http2.hpack;

import java.nio.charset.StandardCharsets;
import org.apache.pekko.http.scaladsl.model.IllegalUriException;
import org.apache.pekko.http.scaladsl.model.ParsingException;
import org.apache.pekko.http.scaladsl.model.Uri;
import org.apache.pekko.http.scaladsl.model.Uri$;
import org.apache.pekko.http.scaladsl.settings.ParserSettings;
import org.parboiled2.ParserInput$;

/**
 * Stands in the place of Pekko HTTP's class of this name, which ends the connection for an {@code
 * :authority} that is no host and port. Clients of gRPC send whatever they were told to dial:
 * etcdctl 3.4 a whole URL, others the path of a socket or a list of endpoints. A Go server takes
 * them all, and nothing in ours depends on the value. See decision 0013.
 */
public final class Http2HeaderParsing$Authority$
    extends Http2HeaderParsing.HeaderParser<Uri.Authority> {
  /** How Scala finds the only instance. */
  public static final Http2HeaderParsing$Authority$ MODULE$ = new Http2HeaderParsing$Authority$();

  private Http2HeaderParsing$Authority$() {
    super(":authority");
  }

  /** An authority that cannot be read is as good as none. */
  @Override
  public Uri.Authority parse(String name, String value, ParserSettings settings) {
    try {
      return Uri$.MODULE$.parseHttp2AuthorityPseudoHeader(
          ParserInput$.MODULE$.apply(value), StandardCharsets.UTF_8, settings.uriParsingMode());
    } catch (IllegalUriException | ParsingException unreadable) {
      return Uri.Authority$.MODULE$.Empty();
    }
  }
}
