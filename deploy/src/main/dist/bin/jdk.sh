# shellcheck shell=bash disable=SC2034
# Finds a Java for Kvorum. Sourced by every script that needs one; needs nothing but bash.

KVORUM_LEAST_JAVA=25

# The major version of the Java in the directory $1, read from its release file so that no JVM has
# to be started for the question; nothing if there is no Java.
kvorum_java_version() {
  local home=$1 line version=
  [ -x "$home/bin/java" ] || return 0
  if [ -r "$home/release" ]; then
    while IFS= read -r line || [ -n "$line" ]; do
      case $line in JAVA_VERSION=*) version=${line#JAVA_VERSION=} ;; esac
    done <"$home/release"
  else
    version=$("$home/bin/java" -version 2>&1 | head -n 1)
    version=${version#*version }
  fi
  version=${version//[^0-9.]/}
  printf '%s' "${version%%.*}"
}

# True if $1 holds a Java that is new enough and, where $2 is "jdk", has a compiler.
kvorum_java_fits() {
  local version
  version=$(kvorum_java_version "$1")
  [ "${version:-0}" -ge "$KVORUM_LEAST_JAVA" ] || return 1
  [ "$2" != jdk ] || [ -x "$1/bin/javac" ]
}

# Sets KVORUM_JDK, or tells what is missing and returns 1. $1 is "jdk" to build, "java" to run.
kvorum_find_java() {
  local need=$1 home user_home=${HOME:-} candidate on_path seen=
  [ -n "$user_home" ] || user_home=~
  if [ -n "${KVORUM_JAVA_HOME:-}" ]; then
    if kvorum_java_fits "$KVORUM_JAVA_HOME" "$need"; then
      KVORUM_JDK=$KVORUM_JAVA_HOME
      return 0
    fi
    echo "kvorum: KVORUM_JAVA_HOME=$KVORUM_JAVA_HOME holds no JDK $KVORUM_LEAST_JAVA or newer" >&2
    return 1
  fi
  on_path=$(command -v java || true)
  if [ -n "$on_path" ]; then
    on_path=$(readlink -f "$on_path" 2>/dev/null || printf '%s' "$on_path")
    on_path=${on_path%/bin/java}
  fi
  for candidate in "${JAVA_HOME:-}" \
    /usr/lib/jvm/* /usr/java/* /usr/local/jdk* /opt/* /opt/*/jdk* \
    /Library/Java/JavaVirtualMachines/*/Contents/Home \
    "$user_home"/.sdkman/candidates/java/* "$user_home"/.jdks/* "$user_home"/.local/jdk* \
    "$on_path"; do
    [ -n "$candidate" ] && [ -x "$candidate/bin/java" ] || continue
    if kvorum_java_fits "$candidate" "$need"; then
      KVORUM_JDK=$candidate
      return 0
    fi
    home=$(kvorum_java_version "$candidate")
    seen="$seen
  Java ${home:-unknown} in $candidate"
  done
  {
    echo "kvorum: needs JDK $KVORUM_LEAST_JAVA or newer, and found none."
    if [ -n "$seen" ]; then echo "Found, but not fit:$seen"; fi
    echo "Install one (for example Eclipse Temurin, https://adoptium.net/), or let"
    echo "KVORUM_JAVA_HOME or JAVA_HOME name its directory."
  } >&2
  return 1
}
