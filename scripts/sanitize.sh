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

# The first build takes half an hour, most of it for BoringSSL. Rehearsals are slow here: a filter leaves them out.
#
# Leaks are not looked for: Swift keeps metadata for good. On Linux ThreadSanitizer does not see that a `Mutex` of the
# module Synchronization orders anything (with NSLock in its place the same ten lines are not reported), so a report of
# two accesses that are both inside `withLock` of one mutex is none. Nothing is suppressed, because a pattern that fits
# all of these fits real races as well: reports are to be read.
export ASAN_OPTIONS="detect_leaks=0 ${ASAN_OPTIONS-}"
exec scripts/test.sh --scratch-path ".build/sanitize-$sanitizer" --sanitize "$sanitizer" ${filter[@]+"${filter[@]}"}
