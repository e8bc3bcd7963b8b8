package io.kvorum.config;

/** How far Kvorum goes with a flag of etcd's. */
enum Support {
  /** Has its effect. */
  SUPPORTED,
  /** Accepted with a warning: it steers a part of etcd that Kvorum does not have. */
  WITHOUT_EFFECT,
  /** Known, and refused unless its value is the default: its feature does not exist yet. */
  NOT_YET,
  /** One of etcd's own leftovers: accepted, does nothing, there as here. */
  IGNORED_LEGACY,
  /** No longer a flag of etcd's; refused. */
  REMOVED
}
