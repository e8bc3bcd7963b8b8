/** Tests of the bbolt reader, on files that {@code BoltFixture} writes. */
package io.kvorum.persistence.bbolt;
