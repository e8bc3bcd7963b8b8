package io.kvorum.protocol;

import io.grpc.Status;

/**
 * The one table from a refusal to its gRPC code and text. Clients match on the text for most errors
 * and on the code for retries, so both are contract (etcd 3.7.1, api/v3rpc/rpctypes/error.go). The
 * codes are those seen on the wire, which for two entries differ from etcd's own table.
 */
public enum EtcdError {
  /** Range/put/delete/txn (compare or op) with zero-length key. */
  EMPTY_KEY(Status.Code.INVALID_ARGUMENT, "etcdserver: key is not provided"),
  /** Put with ignore_value or ignore_lease on absent key; txn op with no request set. */
  KEY_NOT_FOUND(Status.Code.INVALID_ARGUMENT, "etcdserver: key not found"),
  /** Put with ignore_value and a non-empty value. */
  VALUE_PROVIDED(Status.Code.INVALID_ARGUMENT, "etcdserver: value is provided"),
  /** Put with ignore_lease and a non-zero lease. */
  LEASE_PROVIDED(Status.Code.INVALID_ARGUMENT, "etcdserver: lease is provided"),
  /** Txn list (compare, success or failure) longer than max-txn-ops; nesting shares the budget. */
  TOO_MANY_OPS(Status.Code.INVALID_ARGUMENT, "etcdserver: too many operations in txn request"),
  /** Txn branch puts a key twice, or put overlaps a delete, nested txns included. */
  DUPLICATE_KEY(Status.Code.INVALID_ARGUMENT, "etcdserver: duplicate key given in txn request"),
  /** Metadata client-api-version is not valid UTF-8. */
  INVALID_CLIENT_API_VERSION(
      Status.Code.INVALID_ARGUMENT, "etcdserver: invalid client api version"),
  /** Sort_order or sort_target not a known enum number. */
  INVALID_SORT_OPTION(Status.Code.INVALID_ARGUMENT, "etcdserver: invalid sort option"),
  /** Read/hash below compacted revision; compact at or below last compaction. */
  COMPACTED(Status.Code.OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted"),
  /** Read, txn range, hashkv or compact above current revision. */
  FUTURE_REV(Status.Code.OUT_OF_RANGE, "etcdserver: mvcc: required revision is a future revision"),
  /** Put/txn-with-put/lease grant while quota exceeded or NOSPACE alarm set. */
  NO_SPACE(Status.Code.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded"),
  /**
   * Put/revoke/txn naming an absent lease (keep-alive gives TTL 0, time-to-live gives TTL -1
   * instead).
   */
  LEASE_NOT_FOUND(Status.Code.NOT_FOUND, "etcdserver: requested lease not found"),
  /** Lease grant with an ID already in use. */
  LEASE_EXIST(Status.Code.FAILED_PRECONDITION, "etcdserver: lease already exists"),
  /** Lease grant with TTL above 9000000000. */
  LEASE_TTL_TOO_LARGE(Status.Code.OUT_OF_RANGE, "etcdserver: too large lease TTL"),
  /** Watch stream context cancelled (client cancel or no-leader cancel). */
  WATCH_CANCELED(Status.Code.CANCELLED, "etcdserver: watch canceled"),
  /** Member add producing an ID that exists. */
  MEMBER_EXIST(Status.Code.FAILED_PRECONDITION, "etcdserver: member ID already exist"),
  /** Member add/update with a peer URL already used. */
  PEER_URL_EXIST(Status.Code.FAILED_PRECONDITION, "etcdserver: Peer URLs already exists"),
  /** Member add/remove refused by strict-reconfig-check: too few started voters. */
  MEMBER_NOT_ENOUGH_STARTED(
      Status.Code.UNKNOWN, "etcdserver: re-configuration failed due to not enough started members"),
  /** Member add with empty list or unparsable URL, bad scheme or path. */
  MEMBER_BAD_UR_LS(Status.Code.INVALID_ARGUMENT, "etcdserver: given member URLs are invalid"),
  /** Member remove/update/promote of absent or removed ID. */
  MEMBER_NOT_FOUND(Status.Code.NOT_FOUND, "etcdserver: member not found"),
  /** Promote of a voting member. */
  MEMBER_NOT_LEARNER(
      Status.Code.FAILED_PRECONDITION, "etcdserver: can only promote a learner member"),
  /** Promote when learner log match < 90% of leader. */
  LEARNER_NOT_READY(
      Status.Code.FAILED_PRECONDITION,
      "etcdserver: can only promote a learner member which is in sync with leader"),
  /** Learner add beyond max-learners. */
  TOO_MANY_LEARNERS(
      Status.Code.FAILED_PRECONDITION, "etcdserver: too many learner members in cluster"),
  /** Not produced on client rpc; names the peer hashkv HTTP 412 case. */
  CLUSTER_ID_MISMATCH(Status.Code.FAILED_PRECONDITION, "etcdserver: cluster ID mismatch"),
  /** Encoded raft proposal > max-request-bytes. */
  REQUEST_TOO_LARGE(Status.Code.INVALID_ARGUMENT, "etcdserver: request is too large"),
  /** Committed index ahead of applied index by more than 5000. */
  REQUEST_TOO_MANY_REQUESTS(Status.Code.UNKNOWN, "etcdserver: too many requests"),
  /** Auth enable without user root. */
  ROOT_USER_NOT_EXIST(Status.Code.FAILED_PRECONDITION, "etcdserver: root user does not exist"),
  /** Auth enable when user root lacks role root. */
  ROOT_ROLE_NOT_EXIST(
      Status.Code.FAILED_PRECONDITION, "etcdserver: root user does not have root role"),
  /** User add of existing name. */
  USER_ALREADY_EXIST(Status.Code.FAILED_PRECONDITION, "etcdserver: user name already exists"),
  /** User add with empty name; any guarded rpc without credentials while auth is on. */
  USER_EMPTY(Status.Code.INVALID_ARGUMENT, "etcdserver: user name is empty"),
  /** User get/delete/passwd/grant/revoke of absent user. */
  USER_NOT_FOUND(Status.Code.FAILED_PRECONDITION, "etcdserver: user name not found"),
  /** Role add of existing name. */
  ROLE_ALREADY_EXIST(Status.Code.FAILED_PRECONDITION, "etcdserver: role name already exists"),
  /** Role get/delete/grant/revoke, or user grant, naming absent role. */
  ROLE_NOT_FOUND(Status.Code.FAILED_PRECONDITION, "etcdserver: role name not found"),
  /** Role add with empty name. */
  ROLE_EMPTY(Status.Code.INVALID_ARGUMENT, "etcdserver: role name is empty"),
  /** Authenticate with wrong user or password. */
  AUTH_FAILED(
      Status.Code.INVALID_ARGUMENT,
      "etcdserver: authentication failed, invalid user ID or password"),
  /** Role grant permission without perm message. */
  PERMISSION_NOT_GIVEN(Status.Code.INVALID_ARGUMENT, "etcdserver: permission not given"),
  /** Caller lacks key range permission or root role. */
  PERMISSION_DENIED(Status.Code.PERMISSION_DENIED, "etcdserver: permission denied"),
  /** User revoke of a role the user does not have. */
  ROLE_NOT_GRANTED(Status.Code.FAILED_PRECONDITION, "etcdserver: role is not granted to the user"),
  /** Role revoke of a permission the role does not have. */
  PERMISSION_NOT_GRANTED(
      Status.Code.FAILED_PRECONDITION, "etcdserver: permission is not granted to the role"),
  /** Authenticate while auth is off. */
  AUTH_NOT_ENABLED(Status.Code.FAILED_PRECONDITION, "etcdserver: authentication is not enabled"),
  /** Token unknown, expired or malformed. */
  INVALID_AUTH_TOKEN(Status.Code.UNAUTHENTICATED, "etcdserver: invalid auth token"),
  /**
   * Delete root user/role or revoke root role from root while auth on; grant with bad range or
   * empty key.
   */
  INVALID_AUTH_MGMT(Status.Code.INVALID_ARGUMENT, "etcdserver: invalid auth management"),
  /** Auth store changed after token or during request. */
  AUTH_OLD_REVISION(Status.Code.INVALID_ARGUMENT, "etcdserver: revision of auth store is old"),
  /** Hasleader metadata set and no leader; forwarding finds no leader. */
  NO_LEADER(Status.Code.UNAVAILABLE, "etcdserver: no leader"),
  /** Move-leader sent to a follower. */
  NOT_LEADER(Status.Code.FAILED_PRECONDITION, "etcdserver: not leader"),
  /** Linearizable read or time-to-live while leadership changes. */
  LEADER_CHANGED(Status.Code.UNAVAILABLE, "etcdserver: leader changed"),
  /** Cluster version not decided yet, v3 rpc capability off. */
  NOT_CAPABLE(Status.Code.FAILED_PRECONDITION, "etcdserver: not capable"),
  /** Server shutting down. */
  STOPPED(Status.Code.UNAVAILABLE, "etcdserver: server stopped"),
  /** Proposal, read index or forwarding exceeded request timeout (7 s by default). */
  TIMEOUT(Status.Code.UNAVAILABLE, "etcdserver: request timed out"),
  /** Proposal timeout that began just before a new leader was elected. */
  TIMEOUT_DUE_TO_LEADER_FAIL(
      Status.Code.UNAVAILABLE,
      "etcdserver: request timed out, possibly due to previous leader failure"),
  /** Proposal timeout while cut from leader or quorum. */
  TIMEOUT_DUE_TO_CONNECTION_LOST(
      Status.Code.UNAVAILABLE, "etcdserver: request timed out, possibly due to connection lost"),
  /** Lease renew/time-to-live/promote: applied index lagging > 1 s. */
  TIMEOUT_WAIT_APPLIED_INDEX(
      Status.Code.UNAVAILABLE,
      "etcdserver: request timed out, waiting for the applied index took too long"),
  /** Member add/remove refused: local member not connected to quorum for 5 s. */
  UNHEALTHY(Status.Code.UNAVAILABLE, "etcdserver: unhealthy cluster"),
  /**
   * Applied put, range-in-raft, delete, txn, compact, lease grant or revoke while CORRUPT alarm set
   * (quota check first).
   */
  CORRUPT(Status.Code.DATA_LOSS, "etcdserver: corrupt cluster"),
  /** Rpc other than Status, serializable Range, Snapshot sent to a learner. */
  NOT_SUPPORTED_FOR_LEARNER(
      Status.Code.FAILED_PRECONDITION, "etcdserver: rpc not supported for learner"),
  /** Move-leader target absent or learner. */
  BAD_LEADER_TRANSFEREE(Status.Code.FAILED_PRECONDITION, "etcdserver: bad leader transferee"),
  /** Downgrade version text does not parse. */
  WRONG_DOWNGRADE_VERSION_FORMAT(
      Status.Code.INVALID_ARGUMENT, "etcdserver: wrong downgrade target version format"),
  /** Downgrade target is not cluster minor minus one. */
  INVALID_DOWNGRADE_TARGET_VERSION(
      Status.Code.INVALID_ARGUMENT, "etcdserver: invalid downgrade target version"),
  /** Downgrade before cluster version is known. */
  CLUSTER_VERSION_UNAVAILABLE(
      Status.Code.FAILED_PRECONDITION, "etcdserver: cluster version not found during downgrade"),
  /** Downgrade validate/enable while one is running. */
  DOWNGRADE_IN_PROCESS(
      Status.Code.FAILED_PRECONDITION, "etcdserver: cluster has a downgrade job in progress"),
  /** Downgrade cancel with none running (server logs it; rpc still succeeds). */
  NO_INFLIGHT_DOWNGRADE(Status.Code.FAILED_PRECONDITION, "etcdserver: no inflight downgrade job"),
  /** Internal cancel while waiting for a proposal or forward. */
  CANCELED(Status.Code.CANCELLED, "etcdserver: request canceled"),
  /** Table entry only; real deadline errors keep gRPC text "context deadline exceeded". */
  DEADLINE_EXCEEDED(Status.Code.DEADLINE_EXCEEDED, "etcdserver: context deadline exceeded"),
  /** Move-leader not finished within request timeout. */
  TIMEOUT_LEADER_TRANSFER(
      Status.Code.UNKNOWN, "etcdserver: request timed out, leader transfer took too long"),
  /** Downgrade with unknown action number. */
  UNKNOWN_METHOD(Status.Code.UNKNOWN, "etcdserver: unknown method"),
  /** Authenticate with a password for a no-password user. */
  NO_PASSWORD_USER(
      Status.Code.UNKNOWN, "auth: authentication failed, password was given for no password user"),
  /** Keep-alive on a leader that lost leadership. */
  NOT_PRIMARY_LESSOR(Status.Code.UNKNOWN, "not a primary lessor"),
  /** Proposal during leader transfer or after removal. */
  PROPOSAL_DROPPED(Status.Code.UNKNOWN, "raft proposal dropped"),
  /**
   * Not etcd's, which takes as much memory as an answer needs: a sorted range, or the ranges of a
   * transaction, would hold more at a time than this member's heap can bear.
   */
  ANSWER_TOO_LARGE(
      Status.Code.RESOURCE_EXHAUSTED,
      "kvorum: the answer is too large for this server's memory, ask for less at a time");

  private final Status.Code code;
  private final String text;

  EtcdError(Status.Code code, String text) {
    this.code = code;
    this.text = text;
  }

  /** The gRPC code that leaves the server. */
  public Status.Code code() {
    return code;
  }

  /** The message that clients compare, for example {@code etcdserver: key is not provided}. */
  public String text() {
    return text;
  }

  /** Code and text as one gRPC status. */
  public Status status() {
    return code.toStatus().withDescription(text);
  }
}
