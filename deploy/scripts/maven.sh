# shellcheck shell=bash disable=SC2154
# Runs Maven for the scripts of this repository, with a quiet console. Expects $root, the
# repository's directory, and the functions of jdk.sh.

# Sets up JAVA_HOME and MAVEN_OPTS, or tells what is missing and returns 1. Maven itself has to run
# on the JDK of the sources: the formatter parses them with its compiler.
kvorum_prepare_maven() {
  kvorum_find_java jdk || return 1
  if ! command -v mvn >/dev/null; then
    {
      echo "kvorum: needs Apache Maven 3.8.7 or newer to build, and found no mvn on the PATH."
      echo "Install it (for example apt-get install maven), or see https://maven.apache.org/."
    } >&2
    return 1
  fi
  export JAVA_HOME=$KVORUM_JDK
  # Maven's own libraries load native code and reach for Unsafe.
  export MAVEN_OPTS="${MAVEN_OPTS:-} --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow"
}

# Runs Maven with the arguments after $1, the file for all of its output; tells each module as it
# begins and its number of tests. Returns Maven's own status.
kvorum_maven() {
  local log=$1
  shift
  mkdir -p "${log%/*}"
  mvn -B -f "$root/pom.xml" -Dstyle.color=never "$@" 2>&1 | tee "$log" | awk '
    /^\[INFO\] Building .*\[[0-9]+\/[0-9]+\]$/ {
      name = $3; sub(/^kvorum-/, "", name); print "  " $NF " " name; fflush()
    }
    /Tests run: .*Skipped: [0-9]+$/ {
      count = $0; sub(/^\[[A-Z]+\] /, "", count); print "        " count; fflush()
    }' >&2
  return "${PIPESTATUS[0]}"
}

# What a failed run has to say, shortened; the whole of it is in the file $1.
kvorum_show_failure() {
  grep -E '^\[ERROR\]' "$1" | grep -vE '^\[ERROR\] *(-> \[Help|\[Help|To see|Re-run|For more|$)' |
    head -n 40 >&2 || true
  echo "kvorum: all of Maven's output is in $1" >&2
}
