#!/usr/bin/env bash
# Builds ringtail in every way that is supported and runs all tests.
#
#   scripts/test.sh           what every change has to pass
#   scripts/test.sh --full    the long tests too
#
# Needs root on Debian 12: it installs what is missing, and many tests make network namespaces of their own. What
# cannot run on this machine is skipped, and listed with the reason at the end. The exit status is 0 only when nothing
# failed. Leaves nothing behind but the build folder.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
  "") ;;
  --full) export RINGTAIL_FULL_TESTS=1 ;;
  *)
    echo "test: unknown argument '$1' (see the head of this script)" >&2
    exit 2
    ;;
esac

scripts/install-dependencies.sh

# ThreadSanitizer of g++ 12 cannot cope with the address randomisation of newer kernels; test programs run during the
# build, too, to list their cases.
without_randomisation=()
if setarch -R true 2>/dev/null; then without_randomisation=(setarch -R); fi

build() { # PRESET [TARGET]
  printf '\n== %s: build\n' "$1"
  cmake --preset "$1" >/dev/null
  "${without_randomisation[@]}" cmake --build --preset "$1" --target "${2:-all}"
}

failed_presets=()
run_tests() { # PRESET [LABEL]
  printf '\n== %s: test\n' "$1"
  local status=0
  "${without_randomisation[@]}" ctest --test-dir "build/$1" --label-regex "${2:-.}" --output-on-failure \
    --parallel "$(nproc)" \
    --output-junit "$PWD/build/$1/results.xml" >"build/$1/ctest.log" 2>&1 || status=$?
  if ((status != 0)); then
    cat "build/$1/ctest.log"
    failed_presets+=("$1")
  fi
  grep -E '^[0-9]+% tests passed' "build/$1/ctest.log"
}

build dev
run_tests dev
build clang
# The sanitizers watch the library through the unit and conformance tests; the programs behind the integration tests are
# the same code once more.
build asan unit_tests
run_tests asan 'unit|fuzz'
build tsan unit_tests
run_tests tsan unit

echo
python3 - build/{dev,asan,tsan}/results.xml <<'EOF'
# Adds the results up, and says why what did not run did not run.
import pathlib, re, sys
import xml.etree.ElementTree as xml

passed = failed = 0
skipped = {}  # reason -> names
for path in map(pathlib.Path, sys.argv[1:]):
    for case in xml.parse(path).iter("testcase"):
        if case.find("failure") is not None:
            failed += 1
        elif case.get("status") == "run":
            passed += 1
        else:
            output = case.findtext("system-out") or ""
            reason = re.search(r": Skipped\n(.+?)\n\s*\n|SKIPPED:? (.+)", output, re.DOTALL)
            text = " ".join((reason.group(1) or reason.group(2)).split()) if reason else "no reason given"
            skipped.setdefault(text, []).append(f"{path.parent.name}: {case.get('name')}")
for reason, names in skipped.items():
    print(f"SKIPPED: {reason}")
    for name in names:
        print(f"  {name}")
print(f"{passed} passed, {failed} failed, {sum(map(len, skipped.values()))} skipped")
EOF

if ((${#failed_presets[@]} > 0)); then
  echo "FAILED: ${failed_presets[*]}" >&2
  exit 1
fi
