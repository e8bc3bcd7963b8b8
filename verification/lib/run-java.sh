# shellcheck shell=bash disable=SC2154
# Sourced with $root, $module and $main set: compiles the module where something has changed, then becomes its main class.
# An array sources names what it depends on beside verification/, if anything.

# shellcheck source=deploy/src/main/dist/bin/jdk.sh
. "$root/deploy/src/main/dist/bin/jdk.sh"
# shellcheck source=deploy/scripts/maven.sh
. "$root/deploy/scripts/maven.sh"

kvorum_prepare_maven || exit 1
stamp=$root/$module/target/launch-classpath.txt
if [ ! -e "$stamp" ] || [ -n "$(find "$root/pom.xml" "$root"/verification/*/pom.xml "$root"/verification/*/src ${sources[@]+"${sources[@]}"} -newer "$stamp" -print -quit)" ]; then
  log=$root/$module/target/launch-build.log
  echo "Compiling $module..." >&2
  if ! kvorum_maven "$log" -pl "$module" -am compile dependency:build-classpath -Dmdep.outputFile="$stamp"; then
    kvorum_show_failure "$log"
    exit 1
  fi
fi
cd "$root"
exec "$JAVA_HOME/bin/java" -XX:+UseSerialGC -Xmx2g --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
  -cp "$root/$module/target/classes:$(cat "$stamp")" "$main" "$@"
