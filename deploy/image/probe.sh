#!/usr/bin/env bash
# audio-latency-probe [PORT] [PATH] [ADDRESS]: exit 0 if the agent on this host answers 200; else prints what it answered.
set -uo pipefail
port=${1:-${METRICS_PORT:-9090}} path=${2:-/healthz} address=${3:-${METRICS_ADDRESS:-127.0.0.1}}
exec 3<>"/dev/tcp/$address/$port" || exit 1
printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$path" >&3
answer=$(timeout 3 cat <&3)
case ${answer%%$'\r'*} in
  *' 200 '*) exit 0 ;;
  *) echo "$answer" | tail -n 1; exit 1 ;;
esac
