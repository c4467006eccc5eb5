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

expect_rendered() { # NAME TEMPLATE WORDS HELM-TEMPLATE-ARGUMENTS...
  local name=$1 template=$2 words=$3 status=0
  shift 3
  "$helm" template alt "$chart" -s "$template" "$@" >"$work/out" 2>&1 && grep -qF -- "$words" "$work/out" || status=1
  outcome "$name" $status
}

taken_by_program() { # VALUES-FILE
  "$helm" template alt "$chart" -f "$1" -s templates/daemonset.yaml |
    /usr/bin/python3 tests/chart/check_chart.py accepted build/audio-latency
}

render_static() {
  echo "# Rendered from $chart with its default values (make chart). kubectl apply -f this-file"
  printf '%s\n' 'apiVersion: v1' 'kind: Namespace' \
    'metadata: {name: audio-latency, labels: {pod-security.kubernetes.io/enforce: privileged}}'
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
  if [ -x build/audio-latency ]; then expect_ok "the program takes ${values##*/}" taken_by_program "$values"; fi
done
expect_rendered "helm test has a test" templates/tests/metrics.yaml 'helm.sh/hook: test'
for monitor in podMonitor serviceMonitor; do
  expect_rendered "a $monitor keeps the metrics' pod and namespace" "templates/${monitor,,}.yaml" 'honorLabels: true' --set "$monitor.enabled=true"
done
expect_rendered "Linux 5.10 can be given what it needs" templates/daemonset.yaml 'PERFMON, SYS_RESOURCE]' --set 'extraCapabilities={SYS_RESOURCE}'
expect_refusal "bus credentials beside config.busUrl" "belong to bus.url" --set config.busUrl=nats://n:4222,bus.auth=token,bus.existingSecret=s
expect_refusal "credentials in two places" "both set" --set bus.url=nats://n:4222,config.busUser=a
expect_refusal "misspelt top-level key" imagee --set imagee.tag=1
expect_refusal "misspelt config key" audioPort --set config.audioPort=8080
expect_refusal "value out of range" signatureSelectivity --set config.signatureSelectivity=17
expect_refusal "two monitors" "scraped twice" --set serviceMonitor.enabled=true,podMonitor.enabled=true
expect_refusal "monitor without a Service" "needs service.enabled" --set serviceMonitor.enabled=true,service.enabled=false
expect_refusal "processes without hostPID" hostPID --set config.processIdentity=on
expect_refusal "Services without Kubernetes" k8sEnabled --set config.k8sEnabled=false,config.k8sWatchServices=true
expect_refusal "two files of names" "both set" --set config.namesFile=/x,staticNames.a=b
expect_refusal "a monitor of loopback" "no Prometheus reaches" --set config.metricsAddress=127.0.0.1,podMonitor.enabled=true
expect_refusal "signatures forgotten too early" maxLatencyMs --set config.signatureTtlSeconds=5
expect_refusal "a policy for no bus" "set bus.url" --set bus.networkPolicy.enabled=true
expect_refusal "a bus user without a name" bus.user --set bus.url=nats://n:4222,bus.auth=user,bus.existingSecret=s
expect_refusal "bus credentials without a Secret" existingSecret --set bus.url=nats://n:4222,bus.auth=token
expect_refusal "two bus URLs" "both set" --set bus.url=nats://n:4222,config.busUrl=nats://n:4222
expect_refusal "privileged with a seccomp profile" "exclude each other" --set privileged=true,seccompLocalhostProfile=x.json

"$helm" template alt "$chart" --set prometheusRule.enabled=true -s templates/prometheusrule.yaml |
  sed -n '/^spec:/,$p' | sed 1d >"$work/rules.yaml"
cp "$chart/tests/rules_test.yaml" "$work/"
expect_ok "promtool check rules" promtool check rules "$work/rules.yaml"
expect_ok "promtool test rules" promtool test rules "$work/rules_test.yaml"

expect_ok "variables, schema, README and queries agree" /usr/bin/python3 tests/chart/check_chart.py agree "$work/rules.yaml" "$work/queries.yaml"
expect_ok "promtool reads the dashboard's queries" promtool check rules "$work/queries.yaml"

render_static >"$work/static.yaml"
expect_ok "deploy/static is what the chart renders (scripts/chart.sh render)" diff "$static" "$work/static.yaml"

echo "chart: $passed passed, $failed failed"
[ "$failed" = 0 ]
