#!/usr/bin/env bash
# Checks what operators get: the manifests in k8s, compose.yaml, the Dockerfile, the alerts, the board and the rules for
# the autoscaler, against the schemas of Kubernetes, against promtool and against the metrics of the built program.
# scripts/install-test-tools.sh once before. What can't be checked on this machine is said at the end, and not called
# good.
#
#   scripts/check-k8s.sh
#   PENSTOCK=/usr/bin/penstock scripts/check-k8s.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/penstock

if [ -z "${PENSTOCK-}" ]; then
    (cd "$here/.." && swift build --quiet --product penstock)
    PENSTOCK=$(cd "$here/.." && swift build --show-bin-path)/penstock
fi
export PENSTOCK
export PATH=$cache/venv/k8s/bin:$cache/bin:$PATH PYTHONDONTWRITEBYTECODE=1
unset HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy
unset "${!PENSTOCK_@}"

if [ ! -x "$cache/venv/k8s/bin/python" ]; then
    echo "the checkers are not installed; run scripts/install-test-tools.sh" >&2
    exit 1
fi
exec timeout --signal=TERM --kill-after=15 240 "$cache/venv/k8s/bin/python" "$here/k8s/check.py"
