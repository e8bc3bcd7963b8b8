# Sourced with $root, $module and $main set: compiles the module when it changed, then becomes its main class.

find_java() {
  local home
  for home in "${JAVA_HOME:-}" /usr/lib/jvm/*25* "${HOME:-/nonexistent}"/.sdkman/candidates/java/25* /opt/*jdk*25*; do
    [ -x "$home/bin/javac" ] || continue
    case $("$home/bin/javac" -version 2>&1) in "javac 25"*) echo "$home"; return 0 ;; esac
  done
  echo "no JDK 25 found: install one or set JAVA_HOME" >&2
  return 1
}

JAVA_HOME=$(find_java)
export JAVA_HOME
target=$root/$module/target
stamp=$target/launch-classpath.txt
if [ ! -e "$stamp" ] || [ -n "$(find "$root/pom.xml" "$root/$module/pom.xml" "$root"/verification/*/src -newer "$stamp" -print -quit)" ]; then
  echo "compiling $module" >&2
  (cd "$root" && mvn -q -pl "$module" -am compile dependency:build-classpath -Dmdep.outputFile="$stamp") >&2
fi
cd "$root"
exec "$JAVA_HOME/bin/java" -XX:+UseSerialGC -Xmx2g --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
  -cp "$target/classes:$(cat "$stamp")" "$main" "$@"
