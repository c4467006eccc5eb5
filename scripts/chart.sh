#!/usr/bin/env bash
# Checks the chart: lint, every ci/ values file, what the schema and the template must refuse, the alerts by promtool,
# and that deploy/static is what the chart renders. `scripts/chart.sh render` writes deploy/static anew.
set -euo pipefail
cd "$(dirname "$0")/.."
chart=deploy/helm/audio-latency-tracker
static=deploy/static/audio-latency-tracker.yaml
helm=$(scripts/helm.sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

outcome() { # NAME STATUS
  if [ "$2" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "chart: FAILED: $1"; fi
}

expect_ok() { # NAME COMMAND...
  local name=$1 status=0
  shift
  "$@" >"$work/out" 2>&1 || status=1
  [ $status = 0 ] || cat "$work/out"
  outcome "$name" $status
}

expect_refusal() { # NAME WORD-IN-THE-MESSAGE HELM-TEMPLATE-ARGUMENTS...
  local name=$1 word=$2 status=1
  shift 2
  if ! "$helm" template alt "$chart" "$@" >"$work/out" 2>&1 && grep -q -- "$word" "$work/out"; then status=0; fi
  [ $status = 0 ] || tail -3 "$work/out"
  outcome "$name" $status
}

render_static() {
  echo "# Rendered from $chart with its default values (make chart). kubectl apply -f this-file"
  printf '%s\n' 'apiVersion: v1' 'kind: Namespace' 'metadata: {name: audio-latency}'
  "$helm" template audio-latency-tracker "$chart" --namespace audio-latency --skip-tests
}

if [ "${1:-check}" = render ]; then
  mkdir -p "$(dirname "$static")"
  render_static >"$static"
  echo "chart: wrote $static"
  exit 0
fi

expect_ok "helm lint --strict" "$helm" lint --strict "$chart"
for values in "$chart"/ci/*-values.yaml; do
  expect_ok "lint with ${values##*/}" "$helm" lint --strict "$chart" -f "$values"
  expect_ok "template with ${values##*/}" "$helm" template alt "$chart" -f "$values"
done
expect_refusal "misspelt top-level key" imagee --set imagee.tag=1
expect_refusal "misspelt config key" audioPort --set config.audioPort=8080
expect_refusal "value out of range" signatureSelectivity --set config.signatureSelectivity=17
expect_refusal "two monitors" "scraped twice" --set serviceMonitor.enabled=true,podMonitor.enabled=true
expect_refusal "monitor without a Service" "needs service.enabled" --set serviceMonitor.enabled=true,service.enabled=false
expect_refusal "processes without hostPID" hostPID --set config.processIdentity=on
expect_refusal "Services without Kubernetes" k8sEnabled --set config.k8sEnabled=false,config.k8sWatchServices=true
expect_refusal "bus credentials without a Secret" existingSecret --set bus.url=nats://n:4222,bus.auth=token
expect_refusal "two bus URLs" "both set" --set bus.url=nats://n:4222,config.busUrl=nats://n:4222
expect_refusal "privileged with a seccomp profile" "exclude each other" --set privileged=true,seccompLocalhostProfile=x.json

"$helm" template alt "$chart" --set prometheusRule.enabled=true -s templates/prometheusrule.yaml |
  sed -n '/^spec:/,$p' | sed 1d >"$work/rules.yaml"
cp "$chart/tests/rules_test.yaml" "$work/"
expect_ok "promtool check rules" promtool check rules "$work/rules.yaml"
expect_ok "promtool test rules" promtool test rules "$work/rules_test.yaml"
expect_ok "dashboard is JSON" python3 -m json.tool "$chart/dashboards/audio-latency.json"

every_variable_has_a_key() {
  local variable key missing=0
  while read -r variable; do
    key=$(echo "$variable" | awk -F_ '{out = tolower($1); for (i = 2; i <= NF; i++) out = out toupper(substr($i, 1, 1)) tolower(substr($i, 2)); print out}')
    case $variable in K8S_NODE_NAME | NAMES_FILE | PERF_BUFFER_SIZE | K8S_API_URL | K8S_SERVICE_ACCOUNT_DIR) continue ;; esac
    grep -q "^  $key:" "$chart/values.yaml" || { echo "values.yaml has no config.$key for $variable"; missing=1; }
  done < <(awk -F'[| ]+' '/^\| [A-Z][A-Z0-9_]+ \|/ {print $2}' docs/CONFIGURATION.md)
  return $missing
}
expect_ok "config.<key> for every variable" every_variable_has_a_key

render_static >"$work/static.yaml"
expect_ok "deploy/static is what the chart renders (scripts/chart.sh render)" diff "$static" "$work/static.yaml"

echo "chart: $passed passed, $failed failed"
[ "$failed" = 0 ]
