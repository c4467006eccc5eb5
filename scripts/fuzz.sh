#!/usr/bin/env bash
# Builds every tests/fuzz/fuzz_*.cpp with libFuzzer, ASan and UBSan and runs each for SECONDS on its seeds, one on each
# CPU at a time.
# Usage: scripts/fuzz.sh BUILD_DIRECTORY SECONDS
set -euo pipefail
build=$1 seconds=$2
cmake -S . -B "$build" -G Ninja -DAL_FUZZ=ON -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ >/dev/null
cmake --build "$build" --target fuzzers

fuzz() { # PROGRAM: prints one line, or all that the program said where it found something
  local name=${1##*/fuzz-} seeds=()
  mkdir -p "$build/corpus/$name"
  [ -d "tests/fuzz/seeds/$name" ] && seeds=("tests/fuzz/seeds/$name")
  if "$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="$build/" "$build/corpus/$name" "${seeds[@]}" >"$build/fuzz-$name.log" 2>&1; then
    echo "fuzz $name: $seconds s, $(awk '/number_of_executed_units/ {print $2}' "$build/fuzz-$name.log") inputs, no finding"
    return 0
  fi
  cat "$build/fuzz-$name.log"
  echo "fuzz $name: a finding; its input is in $build"
  return 1
}
ran=0
for fuzzer in "$build"/fuzz-*; do
  if [ ! -x "$fuzzer" ] || [ ! -f "$fuzzer" ]; then continue; fi
  if [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; then wait -n; fi
  fuzz "$fuzzer" &
  ran=$((ran + 1))
done
while [ "$(jobs -p | wc -l)" -gt 0 ]; do wait -n; done
echo "fuzz: $ran fuzzers, $seconds s each, no finding"
