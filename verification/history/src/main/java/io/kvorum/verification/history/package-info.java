/**
 * What clients asked and were told, and whether one linearizable store with etcd's revisions may
 * have answered so. Knows neither Kvorum's rooms nor a network.
 */
@NullMarked
package io.kvorum.verification.history;

import org.jspecify.annotations.NullMarked;
