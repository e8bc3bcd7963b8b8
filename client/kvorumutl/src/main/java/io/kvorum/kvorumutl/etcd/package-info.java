/**
 * What an etcd keeps in its database file, bucket by bucket: {@link
 * io.kvorum.kvorumutl.etcd.EtcdDatabase} is the door. Names and encodings are those of etcd's
 * server/storage/schema.
 *
 * <p>Not here: pages and trees (io.kvorum.persistence.bbolt), what becomes of the content.
 */
@NullMarked
package io.kvorum.kvorumutl.etcd;

import org.jspecify.annotations.NullMarked;
