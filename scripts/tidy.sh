#!/usr/bin/env bash
# Runs clang-tidy, with the checks of .clang-tidy, over the sources as the dev preset compiles them.
#
#   scripts/tidy.sh              sources that differ from the main branch, committed or not
#   scripts/tidy.sh --all        every source; takes long
#   scripts/tidy.sh FILE...      these
#
# A changed header counts for the sources that include it. JOBS (2) says how many run at once.
set -euo pipefail
cd "$(dirname "$0")/.."

changed_sources() {
  local base file
  base=$(git merge-base HEAD "$(git rev-parse --verify --quiet origin/main || echo main)")
  { git diff --name-only --diff-filter=d "$base"; git ls-files --others --exclude-standard; } | sort -u |
    while read -r file; do
      case $file in
        *.cpp | *.c) echo "$file" ;;
        lib/include/*.hpp) git grep --untracked -l "#include <${file#lib/include/}>" -- '*.cpp' || true ;;
        *.hpp) git grep --untracked -l "#include \"\(.*/\)\?${file##*/}\"" -- '*.cpp' || true ;;
      esac
    done | sort -u
}

case ${1:-} in
  --all) mapfile -t sources < <(git ls-files '*.cpp' '*.c') ;;
  -*)
    echo "tidy: unknown argument '$1' (see the head of this script)" >&2
    exit 2
    ;;
  "") mapfile -t sources < <(changed_sources) ;;
  *) sources=("$@") ;;
esac
if ((${#sources[@]} == 0)); then
  echo "tidy: no source has changed"
  exit 0
fi

# Without precompiled headers: clang-tidy cannot read those of g++.
cmake --preset dev -B build/tidy -DRINGTAIL_PRECOMPILED_HEADERS=OFF >/dev/null
# run-clang-tidy takes regular expressions for the paths in the compilation database; dots are close enough.
run-clang-tidy-14 -p build/tidy -j "${JOBS:-2}" -quiet "${sources[@]/%/\$}"
