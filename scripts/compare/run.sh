#!/usr/bin/env bash
# Compares what a request costs here and in Envoy, HAProxy and nginx: CPU time, medians of interleaved rounds. Needs
# scripts/install-test-tools.sh --peers, two cores and, with three rounds, three to four minutes.
#
#   scripts/compare/run.sh                                all scenarios and proxies, three rounds of three seconds
#   scripts/compare/run.sh h1 sse --proxies penstock envoy --rounds 5
#   PENSTOCK=/usr/bin/penstock scripts/compare/run.sh     another program than the production build
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
PENSTOCK=${PENSTOCK:-$("$here/../production-build.sh")}
export PENSTOCK PYTHONDONTWRITEBYTECODE=1
unset HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy NO_PROXY no_proxy
ulimit -n "$(ulimit -Hn)"
exec python3 "$here/compare.py" "$@"
