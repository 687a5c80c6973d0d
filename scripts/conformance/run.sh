#!/usr/bin/env bash
# Drives the built Penstock with what nobody well-behaved sends: hidden requests, broken answers, wrong frames, floods.
# And with nghttp2's tools and curl, as plain users would. Everything is on loopback; no network is needed once
# scripts/install-test-tools.sh has run. Each check is one line; the exit code says whether all held.
#
#   scripts/conformance/run.sh                   all
#   scripts/conformance/run.sh smuggling frames  some, by the names of the files
#   PENSTOCK=/usr/bin/penstock scripts/conformance/run.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/penstock

if [ -z "${PENSTOCK-}" ]; then
    (cd "$here/../.." && swift build --quiet --product penstock)
    PENSTOCK=$(cd "$here/../.." && swift build --show-bin-path)/penstock
fi
export PENSTOCK
export PATH=$PATH:$cache/bin PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$here/../real-clients
# Nothing here is to leave the machine, and no setting of the caller's is to change what is tested.
unset HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy NO_PROXY no_proxy
unset "${!PENSTOCK_@}"

python=$cache/venv/wire/bin/python
if [ ! -x "$python" ]; then
    echo "the wire tools are not installed; run scripts/install-test-tools.sh" >&2
    exit 1
fi

running=
trap '[ -z "$running" ] || kill "$running" 2>/dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

all=(smuggling syntax forwarding answers frames streams slow memory floods users)
[ $# -gt 0 ] || set -- "${all[@]}"
failed=0
for name in "$@"; do
    echo "# $name"
    timeout --signal=TERM --kill-after=15 300 "$python" "$here/$name.py" &
    running=$!
    wait "$running" || failed=1
    running=
done
exit "$failed"
