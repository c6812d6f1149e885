#!/usr/bin/env bash
# Builds ringtail in every way that is supported and runs all tests.
#
#   scripts/test.sh           what every change has to pass
#   scripts/test.sh --full    the long tests too
#
# Needs root on Debian 12: it installs what is missing, and many tests make network namespaces of their own. Ends at the
# first stage that fails, with that stage's output. What cannot run on this machine is skipped, and listed with the
# reason at the end. The exit status is 0 only when nothing failed. Leaves nothing behind but the build folder.
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

# ThreadSanitizer of clang 14 cannot cope with the address randomisation of newer kernels; test programs run during the
# build, too, to list their cases.
without_randomisation=()
if setarch -R true 2>/dev/null; then without_randomisation=(setarch -R); fi

logs=$PWD/build/test-logs
rm -rf "$logs"
mkdir -p "$logs"
stages=()

build() { # PRESET [TARGET]
  cmake --preset "$1" && "${without_randomisation[@]}" cmake --build --preset "$1" --target "${2:-all}"
}

# What fails beside other tests and a build gets one more run with the machine to itself: many tests send real packets
# against real clocks. Passing then is good enough, but it is told at the end. Many failures are no such accident.
most_failures_run_again=5
run_tests() { # PRESET JOBS [LABEL]
  local ctest=("${without_randomisation[@]}" ctest --test-dir "build/$1" --output-on-failure) status=0
  rm -f "build/$1/results.xml" "build/$1/again.xml"
  "${ctest[@]}" --parallel "$2" --label-regex "${3:-.}" --output-junit "$PWD/build/$1/results.xml" && return
  (($(wc -l <"build/$1/Testing/Temporary/LastTestsFailed.log") <= most_failures_run_again)) || return
  ((ahead == 0)) || kill -STOP -- "-$ahead"
  "${ctest[@]}" --rerun-failed --output-junit "$PWD/build/$1/again.xml" || status=$?
  ((ahead == 0)) || kill -CONT -- "-$ahead"
  return "$status"
}

# What a stage says goes to its log, what it took to a file beside it.
run_stage() { # NAME COMMAND...
  local TIMEFORMAT='%R %U %S' status=0
  { time { "${@:2}" >"$logs/$1.log" 2>&1 || status=$?; }; } 2>"$logs/$1.seconds"
  return "$status"
}

# The next stage is built, at the lowest priority, while the tests of the one before wait for links, disks and clocks.
ahead=0
build_ahead() { # NAME COMMAND...
  set -m # a process group of its own, which ends with this script
  (
    renice -n 19 "$BASHPID" >/dev/null
    run_stage "$@"
  ) &
  ahead=$!
  set +m
}
trap '((ahead == 0)) || kill -- "-$ahead" 2>/dev/null || true' EXIT

finish_stage() { # NAME STATUS
  stages+=("$1")
  if (($2 == 0)); then
    grep -E '^[0-9]+% tests passed' "$logs/$1.log" || echo "done"
    return 0
  fi
  tail -n 400 "$logs/$1.log"
  report
  echo "FAILED: $1 (its output is above, all of it in $logs/$1.log)" >&2
  exit 1
}

stage() { # NAME COMMAND...
  printf '== %s\n' "$1"
  local status=0
  run_stage "$@" || status=$?
  finish_stage "$1" "$status"
}

stage_built_ahead() { # NAME
  printf '== %s\n' "$1"
  local status=0
  wait "$ahead" || status=$?
  ahead=0
  finish_stage "$1" "$status"
}

# Adds the results up, says why what did not run did not run, and what each stage took.
report() {
  echo
  python3 - "$logs" "${stages[@]}" <<'EOF'
import pathlib, re, sys
import xml.etree.ElementTree as xml

logs, stages = pathlib.Path(sys.argv[1]), sys.argv[2:]
passed = failed = 0
skipped = {}  # reason -> names


def cases(path):
    return xml.parse(path).iter("testcase") if path.exists() else ()


for stage in (stage for stage in stages if stage.endswith("-tests")):
    preset = stage.removesuffix("-tests")
    folder = logs.parent / preset
    passed_alone = {case.get("name") for case in cases(folder / "again.xml") if case.find("failure") is None}
    for case in cases(folder / "results.xml"):
        if case.find("failure") is not None and case.get("name") in passed_alone:
            passed += 1
            print(f"UNSTABLE: {preset}: {case.get('name')} failed beside others and passed alone")
        elif case.find("failure") is not None:
            failed += 1
            print(f"FAILED: {preset}: {case.get('name')}")
        elif case.get("status") == "run":
            passed += 1
        else:
            output = case.findtext("system-out") or ""
            reason = re.search(r": Skipped\n(.+?)\n\s*\n|SKIPPED:? (.+)", output, re.DOTALL)
            text = " ".join((reason.group(1) or reason.group(2)).split()) if reason else "no reason given"
            skipped.setdefault(text, []).append(f"{preset}: {case.get('name')}")
for reason, names in skipped.items():
    print(f"SKIPPED: {reason}")
    for name in names:
        print(f"  {name}")
print(f"\n{'stage':12} {'elapsed s':>10} {'CPU s':>8}   (stages overlap)")
for stage in stages:
    elapsed, user, system = map(float, (logs / f"{stage}.seconds").read_text().split())
    print(f"{stage:12} {elapsed:10.0f} {user + system:8.0f}")
print(f"\n{passed} passed, {failed} failed, {sum(map(len, skipped.values()))} skipped")
EOF
}

jobs=$(nproc)
started=$SECONDS

# g++, everything. Most tests on links wait more than they work, so there may be more of them than processors.
stage dev-build build dev
build_ahead asan-build build asan
stage dev-tests run_tests dev $((2 * jobs))
# clang, everything: for its warnings, and with the sanitizers that watch memory. They see the library through the unit
# and conformance tests; the programs behind the integration tests are the same code once more.
stage_built_ahead asan-build
build_ahead tsan-build build tsan unit_tests
stage asan-tests run_tests asan "$jobs" 'unit|fuzz'
# What has threads.
stage_built_ahead tsan-build
stage tsan-tests run_tests tsan "$jobs" unit

report
echo "all of it took $((SECONDS - started)) s"
