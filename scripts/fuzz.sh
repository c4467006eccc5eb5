#!/usr/bin/env bash
# Builds every tests/fuzz/fuzz_*.cpp with libFuzzer, ASan and UBSan and runs each for SECONDS on its seeds.
# Usage: scripts/fuzz.sh BUILD_DIRECTORY SECONDS
set -euo pipefail
build=$1 seconds=$2
cmake -S . -B "$build" -G Ninja -DAL_FUZZ=ON -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ >/dev/null
cmake --build "$build" --target fuzzers
ran=0
for fuzzer in "$build"/fuzz-*; do
  if [ ! -x "$fuzzer" ] || [ ! -f "$fuzzer" ]; then continue; fi
  name=${fuzzer##*/fuzz-}
  mkdir -p "$build/corpus/$name"
  seeds=()
  [ -d "tests/fuzz/seeds/$name" ] && seeds=("tests/fuzz/seeds/$name")
  echo "fuzz $name: $seconds s"
  "$fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 -verbosity=0 \
    -artifact_prefix="$build/" "$build/corpus/$name" "${seeds[@]}"
  ran=$((ran + 1))
done
echo "fuzz: $ran fuzzers, $seconds s each, no finding"
