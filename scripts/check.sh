#!/usr/bin/env bash
# clang-format, clang-tidy and shellcheck over what git tracks; --fix formats in place.
# Usage: scripts/check.sh BUILD_DIRECTORY | --fix
set -euo pipefail
mapfile -t sources < <(git ls-files -- '*.c' '*.h' '*.cpp' '*.hpp')
mapfile -t scripts < <(git ls-files -- '*.sh' .ci/run)

if [ "$1" = --fix ]; then
  clang-format -i "${sources[@]}"
  exit 0
fi
clang-format --dry-run -Werror "${sources[@]}"
echo "check: clang-format: ${#sources[@]} files clean"
shellcheck "${scripts[@]}"
echo "check: shellcheck: ${#scripts[@]} files clean"
# Not clang-analyzer: it doubles the time; run it with `clang-tidy --checks=clang-analyzer-*` where in doubt.
mapfile -t units < <(git ls-files -- 'src/*.cpp' 'examples/*.cpp')
# Its chatter about suppressed warnings goes to standard error, its findings to standard output.
printf '%s\n' "${units[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy -p "$1" --quiet 2>/dev/null
echo "check: clang-tidy: ${#units[@]} files clean"
