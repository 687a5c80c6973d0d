#!/usr/bin/env bash
# Runs the unit tests under a sanitizer, built into a place of its own.
#
#   scripts/sanitize.sh thread|address [filter]     all tests, or those that `swift test --filter` takes
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1-} in
thread | address) ;;
*)
    echo "usage: ${0##*/} thread|address [filter]" >&2
    exit 64
    ;;
esac
sanitizer=$1
filter=(${2:+--filter "$2"})

# The first report ends the run with a failure. Leaks are not looked for: Swift keeps metadata for good.
export TSAN_OPTIONS="halt_on_error=1 ${TSAN_OPTIONS-}"
export ASAN_OPTIONS="detect_leaks=0 ${ASAN_OPTIONS-}"
exec scripts/test.sh --scratch-path ".build/sanitize-$sanitizer" --sanitize "$sanitizer" ${filter[@]+"${filter[@]}"}
