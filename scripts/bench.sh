#!/usr/bin/env bash
# Builds ringtail, measures this machine and the other capture programs on it, and puts the tables into README.md and
# the picture into tools/bench/bench.svg.
#
#   scripts/bench.sh              ten minutes
#   scripts/bench.sh --full       all parts and frame sizes: more than an hour
#
# Arguments are those of `ringtail bench`. Needs root on Debian 12 and a machine that is otherwise idle; installs what is
# missing. All figures as JSON are in build/bench.json afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install-dependencies.sh
cmake --preset release -DRINGTAIL_TESTS=OFF >/dev/null
cmake --build --preset release --target ringtail_program

PATH=$PWD/build/release/tools:$PATH
ringtail bench --json build/bench.json --plot tools/bench/bench.svg --markdown build/bench.md "$@"

# What stands between the two marks in the README is replaced.
awk '
  /^<!-- end of bench -->$/ { inside = 0 }
  !inside { print }
  /^<!-- bench: made by scripts\/bench.sh -->$/ {
    inside = 1
    print "\n![CPU time per packet](tools/bench/bench.svg)\n"
    while ((getline line < "build/bench.md") > 0) print line
    print ""
  }
' README.md >build/README.md
cat build/README.md >README.md
