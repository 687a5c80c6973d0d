#!/usr/bin/env bash
# A load of so many requests a second over four upstreams, against `penstock simulate`, and what it cost. Everything is
# on loopback; the load generator and the simulated providers take their part of the same machine.
#
#   scripts/load/run.sh 200          requests a second, for a minute
#   scripts/load/run.sh 500 2m       for two minutes
#   PENSTOCK=… LOCUST=… scripts/load/run.sh 200
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/penstock
rate=${1:?requests a second}
length=${2:-1m}
penstock=${PENSTOCK:-$here/../../.build/release/penstock}
locust=${LOCUST:-$cache/venv/locust/bin/locust}
unset "${!PENSTOCK_@}"

if [ ! -x "$locust" ]; then
    echo "python3 -m venv $cache/venv/locust && $cache/venv/locust/bin/pip install locust" >&2
    exit 1
fi
[ -x "$penstock" ] || { echo "no $penstock: swift build -c release --product penstock" >&2; exit 1; }

work=$(mktemp -d)
running=()
trap 'kill "${running[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT
ulimit -n "$(ulimit -Hn)"

for port in 9901 9902 9903 9904; do
    "$penstock" simulate --listen 127.0.0.1:$port --latency 500ms..1500ms --limit in_flight=250 \
        --limit requests=10000/60s:sliding 2>"$work/$port.log" &
    running+=($!)
done
"$penstock" run --config "$here/four-upstreams.yaml" >"$work/penstock.log" 2>&1 &
running+=($!)
for _ in $(seq 100); do
    curl --silent --fail --noproxy '*' http://127.0.0.1:9900/readyz >/dev/null && break
    sleep 0.1
done

# Each user asks every four seconds, so that an answer of 1.5 s does not hold back its next request.
users=$((4 * rate))
"$locust" --headless --locustfile "$here/locustfile.py" --host http://127.0.0.1:8900 --users $users \
    --spawn-rate $((users / 4)) --run-time "$length" --stop-timeout 5 --only-summary --reset-stats \
    --exit-code-on-error 0 2>&1 | grep -E 'Type|POST|Aggregated|ERROR'
python3 "$here/figures.py" http://127.0.0.1:9900 9901 9902 9903 9904
