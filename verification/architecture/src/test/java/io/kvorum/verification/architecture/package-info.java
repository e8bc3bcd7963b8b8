/**
 * What may depend on what. A rule here that is in the way is changed together with the page that
 * explains it.
 */
@NullMarked
package io.kvorum.verification.architecture;

import org.jspecify.annotations.NullMarked;
