#!/usr/bin/env bash
# Builds the container image with buildah, podman or docker, whichever is there.
# Usage: scripts/image.sh [NAME:TAG]      BASE=IMAGE   another base than debian:bookworm-slim
#        scripts/image.sh base            make docker.io/library/debian:bookworm-slim from this machine's apt sources,
#                                         for places without a registry (needs mmdebstrap and podman)
set -euo pipefail
cd "$(dirname "$0")/.."
base=${BASE:-docker.io/library/debian:bookworm-slim}

make_base() {
  local uri
  # shellcheck disable=SC2016 # apt expands it
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' 'Component: main' | head -1)
  [ -n "$uri" ] || { echo "image.sh: apt has no bookworm main archive configured; cannot make a base image" >&2; exit 1; }
  # What Debian's own slim image leaves out, and apt's lists.
  local left_out=()
  for folder in doc man info locale; do left_out+=("--dpkgopt=path-exclude=/usr/share/$folder/*"); done
  # shellcheck disable=SC2016 # mmdebstrap expands $1
  mmdebstrap --quiet --variant=apt --include=usr-is-merged --hook-directory=/usr/share/mmdebstrap/hooks/merged-usr "${left_out[@]}" --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*' bookworm - "$uri" | podman import --quiet - docker.io/library/debian:bookworm-slim
}

if [ "${1:-}" = base ]; then
  make_base
  exit 0
fi

name=${1:-localhost/audio-latency-tracker:0.1.0}
arguments=(--build-arg "BASE=$base" --build-arg "REVISION=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)" -t "$name" .)
if command -v buildah >/dev/null; then
  # docker format keeps HEALTHCHECK; chroot isolation needs no bridge network; layers keep the packages for the next build.
  buildah build --format docker --isolation chroot --layers "${arguments[@]}"
elif command -v podman >/dev/null; then
  podman build --format docker "${arguments[@]}"
elif command -v docker >/dev/null; then
  docker build "${arguments[@]}"
else
  echo "image.sh: none of buildah, podman and docker is installed; install one of them" >&2
  exit 1
fi
