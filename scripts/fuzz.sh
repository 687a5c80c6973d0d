#!/usr/bin/env bash
# Lets libFuzzer look for inputs that break a property of Tests/PropertyTests, with AddressSanitizer.
#
#   scripts/fuzz.sh NAME [seconds]      one property, for a minute where nothing is said
#   scripts/fuzz.sh all [seconds]       each of them for so long, one after the other
#   scripts/fuzz.sh NAME FILE...        only these inputs: repeats a finding
#
# Builds into .build/fuzz; only our own targets are watched, so that the first build takes some minutes and later ones a
# minute or two. What is found stands in .build/fuzz/found, named after the property; inputs that reach new
# code are kept in .build/fuzz/inputs for the next time. Exit 0 only if nothing was found.
set -euo pipefail
cd "$(dirname "$0")/.."

build=.build/fuzz
corpus=Tests/PropertyTests/Corpus
# Swift's own backtraces of a crash hang under libFuzzer, which writes one anyway.
export SWIFT_BACKTRACE=enable=no
# Swift and Yams keep some memory for good.
export ASAN_OPTIONS=detect_leaks=0

main() {
    if [ $# -lt 1 ] || { [ "$1" != all ] && [ ! -d "$corpus/$1" ]; }; then
        echo "usage: ${0##*/} all|NAME [seconds | FILE...]; names: $(ls "$corpus" | paste -sd' ')" >&2
        exit 64
    fi
    local names=("$1") options fuzz name failed=0
    shift
    [ "${names[0]}" != all ] || mapfile -t names < <(ls "$corpus")
    # Testable, because the properties look at what is inside; optimised, because more inputs are tried so.
    options=(-c release --scratch-path "$build" -Xswiftc -enable-testing)
    export PENSTOCK_FUZZ=1
    swift build "${options[@]}" --product fuzz >&2
    fuzz=$(swift build "${options[@]}" --show-bin-path)/fuzz
    for name in "${names[@]}"; do try "$fuzz" "$name" "$@" || failed=1; done
    exit $failed
}

# try FUZZ NAME [seconds | FILE...]
try() {
    local fuzz=$1 name=$2
    shift 2
    mkdir -p "$build/found" "$build/inputs/$name"
    if [ -e "${1-}" ]; then
        PENSTOCK_PROPERTY=$name "$fuzz" "$@"
        return
    fi
    echo "== $name"
    PENSTOCK_PROPERTY=$name "$fuzz" -max_total_time="${1:-60}" -timeout=60 -rss_limit_mb=4096 -max_len=6000 \
        -print_final_stats=1 -verbosity=1 -artifact_prefix="$build/found/$name-" \
        "$build/inputs/$name" "$corpus/$name" 2>&1 | grep -vE '^#[0-9]+[[:space:]]+(NEW|REDUCE|pulse|RELOAD)'
}

main "$@"
