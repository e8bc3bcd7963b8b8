/**
 * Tests of the offline tool on a small snapshot of a real etcd 3.7, {@code etcd-3.7.db.gz}: keys
 * with history, one with a lease, a compaction at 6, two users and a role.
 */
package io.kvorum.kvorumutl;
