#!/usr/bin/env bash
# Drives Penstock with clients and servers that nobody here wrote: the SDKs of nine providers in two generations, what
# Node, Java and Go have of their own, curl, raw sockets, promtool, nginx, LiteLLM's proxy as the provider, tinyproxy on
# the way there, Chromium for the page, and Redis between several. Everything is on loopback; no key and no network is
# needed once scripts/install-test-tools.sh --all has run.
#
#   scripts/real-clients/run.sh                  all
#   scripts/real-clients/run.sh wire openai_sdk  some, by the names of the files
#   scripts/real-clients/run.sh cluster_figures  figures for a quiet machine, only where they are named
#   scripts/real-clients/run.sh sdks             the SDKs, their traps and the table of docs/sdks.md; two minutes
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
unset "${!OPENAI_@}" "${!ANTHROPIC_@}" "${!GROQ_@}" "${!GOOGLE_@}" "${!GEMINI_@}" "${!MISTRAL_@}" "${!CO_API_@}"
unset "${!AWS_@}" "${!LANGCHAIN_@}" "${!LANGSMITH_@}" "${!LITELLM_@}" "${!PENSTOCK_@}"

running=()
made=
end() {
    for each in "${running[@]}"; do kill "$each" 2>/dev/null || true; done
    [ -z "$made" ] || rm -rf "$made"
}
end_well() {
    trap end EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}
end_well

# check ENVIRONMENT FILE [ARGUMENT...]: each file starts and ends its own processes, also when it is told to stop.
check() {
    local python=$cache/venv/$1/bin/python
    if [ ! -x "$python" ]; then
        echo "$1 is not installed; run scripts/install-test-tools.sh --all" >&2
        return 1
    fi
    echo "# $2 ($1)"
    shift
    timeout --signal=TERM --kill-after=15 240 "$python" "$here/$1.py" "${@:2}" &
    running=($!)
    wait "${running[0]}"
    running=()
}

# The generations at the same time: most of it is waiting for limits. What they show goes into a table that is compared
# with the one in docs/sdks.md.
sdks() {
    made=$(mktemp -d)
    mkdir "$made/facts"
    export SDK_FACTS=$made/facts
    local name status=0
    for name in current former litellm; do
        generation "$name" >"$made/$name" 2>&1 &
        running+=($!)
    done
    for name in "${running[@]}"; do wait "$name" || status=$?; done
    running=()
    cat "$made"/{current,former,litellm}
    [ "$status" -eq 0 ] || return "$status"
    python3 "$here/sdk/table.py"
}

# In a shell of its own, which has to end what it has started and nothing else.
generation() {
    running=() made=
    end_well
    check "sdks-$1" sdks
    if [ "$1" != litellm ]; then check "sdks-$1" sdk_traps; fi
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
if chosen cluster "$@"; then check openai cluster; fi
if [[ " $* " == *" cluster_figures "* ]]; then check openai cluster_figures; fi
if chosen credentials "$@"; then check openai credentials; fi
if chosen openai_tls "$@"; then check openai openai_tls; fi
if chosen languages "$@"; then check openai languages; fi
if chosen sdks "$@"; then sdks; fi
if chosen litellm_server "$@"; then check litellm litellm_server; fi
