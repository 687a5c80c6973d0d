#!/usr/bin/env bash
# Drives Penstock with clients and servers that nobody here wrote: the openai SDK in two major versions, curl, raw
# sockets, promtool, nginx and LiteLLM's proxy as the provider, tinyproxy on the way there, and Chromium for the page. Everything is on
# loopback; no key and no network is needed once scripts/install-test-tools.sh --all has run.
#
#   scripts/real-clients/run.sh                  all
#   scripts/real-clients/run.sh wire openai_sdk  some, by the names of the files
#   PENSTOCK=/usr/bin/penstock scripts/real-clients/run.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/penstock

if [ -z "${PENSTOCK-}" ]; then
    (cd "$here/../.." && swift build --quiet --product penstock)
    PENSTOCK=$(cd "$here/../.." && swift build --show-bin-path)/penstock
fi
export PENSTOCK
export PATH=$PATH:$cache/bin PYTHONDONTWRITEBYTECODE=1
# Nothing here is to leave the machine, and no setting of the caller's is to change what is tested.
unset HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy
unset "${!OPENAI_@}" "${!PENSTOCK_@}"

running=
trap '[ -z "$running" ] || kill "$running" 2>/dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# check ENVIRONMENT FILE: each file starts and ends its own processes, also when it is told to stop.
check() {
    local python=$cache/venv/$1/bin/python
    if [ ! -x "$python" ]; then
        echo "$1 is not installed; run scripts/install-test-tools.sh --all" >&2
        return 1
    fi
    echo "# $2 ($1)"
    timeout --signal=TERM --kill-after=15 240 "$python" "$here/$2.py" &
    running=$!
    wait "$running"
    running=
}

chosen() {
    local name=$1
    shift
    [ $# -eq 0 ] || [[ " $* " == *" $name "* ]]
}

if chosen wire "$@"; then check openai wire; fi
if chosen operations "$@"; then check openai operations; fi
if chosen reload "$@"; then check openai reload; fi
if chosen dialling "$@"; then check openai dialling; fi
if chosen openai_sdk "$@"; then
    check openai openai_sdk
    check openai-1 openai_sdk
fi
if chosen guard "$@"; then check openai guard; fi
if chosen page "$@"; then check openai page; fi
if chosen scheduler "$@"; then check openai scheduler; fi
if chosen openai_tls "$@"; then check openai openai_tls; fi
if chosen litellm_server "$@"; then check litellm litellm_server; fi
