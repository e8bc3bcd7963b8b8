/** What prepares a faster start; nothing of it runs in a server. */
@NullMarked
package io.kvorum.deploy.aot;

import org.jspecify.annotations.NullMarked;
