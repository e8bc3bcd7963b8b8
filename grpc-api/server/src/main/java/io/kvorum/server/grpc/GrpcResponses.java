package io.kvorum.server.grpc;

import io.grpc.Status;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.pekko.NotUsed;
import org.apache.pekko.http.javadsl.model.AttributeKeys;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpEntity;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.MediaTypes;
import org.apache.pekko.http.javadsl.model.ResponseEntity;
import org.apache.pekko.http.javadsl.model.Trailer;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.japi.pf.PFBuilder;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;

/** HTTP/2 answers in the form of gRPC. */
final class GrpcResponses {
  static final ContentType GRPC = ContentTypes.create(MediaTypes.applicationBinary("grpc", false));

  private static final HttpResponse OK_TEMPLATE =
      HttpResponse.create()
          .addAttribute(
              AttributeKeys.trailer,
              Trailer.create().addHeader(RawHeader.create("grpc-status", "0")));

  private GrpcResponses() {}

  /** One message and the trailers of status OK: HEADERS, DATA, HEADERS. */
  static HttpResponse single(ByteString framed) {
    return OK_TEMPLATE.withEntity(HttpEntities.create(GRPC, framed));
  }

  /** One message piece by piece, and the status: of OK, or of the failure that cut it short. */
  static HttpResponse inPieces(Source<ByteString, NotUsed> framed, MethodName method) {
    return parts(
        framed
            .map(HttpEntity.ChunkStreamPart::create)
            .concat(Source.single(last(Status.OK)))
            .recover(
                new PFBuilder<Throwable, HttpEntity.ChunkStreamPart>()
                    .matchAny(failure -> last(RpcFailure.statusOf(failure, method)))
                    .build()));
  }

  /**
   * Messages and the status behind them. The Java API has no chunked entity with trailers; its
   * parts are those of the Scala API.
   */
  @SuppressWarnings({"unchecked", "rawtypes"})
  static HttpResponse parts(Source<HttpEntity.ChunkStreamPart, NotUsed> parts) {
    return HttpResponse.create()
        .withEntity(
            (ResponseEntity)
                new org.apache.pekko.http.scaladsl.model.HttpEntity.Chunked(
                    (org.apache.pekko.http.scaladsl.model.ContentType) GRPC,
                    (org.apache.pekko.stream.scaladsl.Source) parts.asScala()));
  }

  /** A status and nothing else, in a single HEADERS frame. */
  static HttpResponse trailersOnly(Status status) {
    return trailersOnly(200, status);
  }

  static HttpResponse trailersOnly(int httpStatus, Status status) {
    return HttpResponse.create()
        .withStatus(httpStatus)
        .withHeaders(trailers(status))
        .withEntity(HttpEntities.create(GRPC, ByteString.emptyByteString()));
  }

  /** The last part of a stream of messages. */
  static HttpEntity.ChunkStreamPart last(Status status) {
    return HttpEntity.ChunkStreamPart.createLast("", trailers(status));
  }

  private static List<HttpHeader> trailers(Status status) {
    List<HttpHeader> headers = new ArrayList<>(2);
    headers.add(RawHeader.create("grpc-status", Integer.toString(status.getCode().value())));
    String text = status.getDescription();
    if (text != null && !text.isEmpty()) {
      headers.add(RawHeader.create("grpc-message", percentEncoded(text)));
    }
    return headers;
  }

  /** gRPC over HTTP/2, "Status-Message": bytes of UTF-8, all but printable ASCII and % escaped. */
  static String percentEncoded(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    StringBuilder encoded = new StringBuilder(utf8.length);
    for (byte b : utf8) {
      if (b >= ' ' && b <= '~' && b != '%') {
        encoded.append((char) b);
      } else {
        encoded.append('%');
        encoded.append(Character.toUpperCase(Character.forDigit((b >> 4) & 0xf, 16)));
        encoded.append(Character.toUpperCase(Character.forDigit(b & 0xf, 16)));
      }
    }
    return encoded.toString();
  }
}
