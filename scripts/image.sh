#!/usr/bin/env bash
# Builds the container image with buildah, podman or docker, whichever is there.
# Usage: scripts/image.sh [NAME:TAG]      BASE=IMAGE   another base than debian:bookworm-slim
#        scripts/image.sh --from-build DIR [NAME:TAG]  the same run-time stage around the programs that `make build` left in
#                                         DIR, for tests: nothing is compiled. On Debian 12 only, whose libraries they use;
#                                         makes the base image where it is missing
#        scripts/image.sh base            make docker.io/library/debian:bookworm-slim from this machine's apt sources,
#                                         for places without a registry (needs mmdebstrap and podman)
set -euo pipefail
cd "$(dirname "$0")/.."
base=${BASE:-docker.io/library/debian:bookworm-slim}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

die() {
  echo "image.sh: $*" >&2
  exit 1
}

make_base() {
  local uri
  # shellcheck disable=SC2016 # apt expands it
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' 'Component: main' | head -1)
  [ -n "$uri" ] || die "apt has no bookworm main archive configured; cannot make a base image"
  # What Debian's own slim image leaves out, and apt's lists.
  local left_out=()
  for folder in doc man info locale; do left_out+=("--dpkgopt=path-exclude=/usr/share/$folder/*"); done
  # shellcheck disable=SC2016 # mmdebstrap expands $1
  mmdebstrap --quiet --variant=apt --include=usr-is-merged --hook-directory=/usr/share/mmdebstrap/hooks/merged-usr "${left_out[@]}" --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*' bookworm - "$uri" | podman import --quiet - docker.io/library/debian:bookworm-slim
}

# The programs of an earlier build as what the stage `build` would leave.
stage_of() { # BUILD-DIRECTORY
  # shellcheck disable=SC1091 # the host's
  [ "$(. /etc/os-release && echo "${VERSION_CODENAME:-}")" = bookworm ] ||
    die "--from-build works on Debian 12 alone: the programs use the libraries of where they were built"
  mkdir "$work/build"
  local program
  for program in audio-latency audio-source audio-relay; do
    strip -o "$work/build/$program" "$1/$program" || die "$1 lacks $program; run make build"
  done
}

[ "${1:-}" != base ] || { make_base && exit 0; }
options=()
if [ "${1:-}" = --from-build ]; then
  stage_of "${2:?image.sh: --from-build needs the build directory}"
  shift 2
  options+=(--build-context "build=$work")
  if command -v podman >/dev/null && ! podman image exists "$base"; then make_base; fi
fi

# The chart asks for the version, `docker run audio-latency-tracker` for latest.
names=(localhost/audio-latency-tracker:0.1.0 audio-latency-tracker:0.1.0 audio-latency-tracker:latest)
[ -z "${1:-}" ] || names=("$1")
for name in "${names[@]}"; do options+=(-t "$name"); done
options+=(--build-arg "BASE=$base" --build-arg "REVISION=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)")
if command -v buildah >/dev/null; then
  # docker format keeps HEALTHCHECK; chroot isolation needs no bridge network; layers keep the packages for the next build.
  buildah build --format docker --isolation chroot --layers "${options[@]}" .
elif command -v podman >/dev/null; then
  podman build --format docker "${options[@]}" .
elif command -v docker >/dev/null; then
  docker build "${options[@]}" .
else
  die "none of buildah, podman and docker is installed; install one of them"
fi
