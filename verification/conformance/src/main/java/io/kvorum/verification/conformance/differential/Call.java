package io.kvorum.verification.conformance.differential;

import com.google.protobuf.Message;
import com.google.protobuf.TextFormat;
import io.etcd.jetcd.api.CompactionRequest;
import io.etcd.jetcd.api.DeleteRangeRequest;
import io.etcd.jetcd.api.KVGrpc;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.RangeRequest;
import io.etcd.jetcd.api.RequestOp;
import io.etcd.jetcd.api.TxnRequest;
import io.grpc.MethodDescriptor;

/** One request of the stream, by the method it goes to. */
public sealed interface Call {
  Message request();

  MethodDescriptor<? extends Message, ? extends Message> method();

  /** True when the request can change nothing, so that its place among its like is of no matter. */
  boolean readOnly();

  record Range(RangeRequest request) implements Call {
    @Override
    public MethodDescriptor<RangeRequest, ? extends Message> method() {
      return KVGrpc.getRangeMethod();
    }

    @Override
    public boolean readOnly() {
      return true;
    }
  }

  record Put(PutRequest request) implements Call {
    @Override
    public MethodDescriptor<PutRequest, ? extends Message> method() {
      return KVGrpc.getPutMethod();
    }

    @Override
    public boolean readOnly() {
      return false;
    }
  }

  record Delete(DeleteRangeRequest request) implements Call {
    @Override
    public MethodDescriptor<DeleteRangeRequest, ? extends Message> method() {
      return KVGrpc.getDeleteRangeMethod();
    }

    @Override
    public boolean readOnly() {
      return false;
    }
  }

  record Txn(TxnRequest request) implements Call {
    @Override
    public MethodDescriptor<TxnRequest, ? extends Message> method() {
      return KVGrpc.getTxnMethod();
    }

    @Override
    public boolean readOnly() {
      return Operations.of(request).allMatch(RequestOp::hasRequestRange);
    }
  }

  record Compact(CompactionRequest request) implements Call {
    @Override
    public MethodDescriptor<CompactionRequest, ? extends Message> method() {
      return KVGrpc.getCompactMethod();
    }

    @Override
    public boolean readOnly() {
      return false;
    }
  }

  /** For people: method and request in protobuf's text form. */
  default String text() {
    return method().getFullMethodName()
        + "\n"
        + TextFormat.printer().printToString(request()).indent(2);
  }
}
