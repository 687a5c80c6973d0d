#!/usr/bin/env bash
# Counts what one request costs the proxy's event loop: instructions, allocations, reference counts. Two runs under
# callgrind, one with twice as many requests as the other, so that starting and connecting cancel out; of each run only
# the thread that runs the proxy. The scenarios are `relay-benchmark --help`'s; all of them by default.
#
#   scripts/relay-instructions.sh [SCENARIO…]           a table, in the form of Benchmarks/Thresholds/relay.txt
#   scripts/relay-instructions.sh --check [SCENARIO…]   fails where a value is more than 5 % above that file's
#   scripts/relay-instructions.sh --profile SCENARIO    where the instructions and the allocations are
#
# SCRATCH_PATH is where to build (.build), REQUESTS how many requests the shorter run has (1000).
set -euo pipefail
cd "$(dirname "$0")/.."

thresholds=Benchmarks/Thresholds/relay.txt
requests=${REQUESTS:-1000}

main() {
    local mode=
    case ${1-} in
    --check | --profile)
        mode=$1
        shift
        ;;
    esac
    local tool
    for tool in valgrind objcopy openssl; do
        command -v "$tool" >/dev/null || { echo "$tool is not installed" >&2; exit 1; }
    done
    local scenarios=("$@")
    [ ${#scenarios[@]} -gt 0 ] || scenarios=(h1-h1 h1-h1-unlimited h1-h1-stream h1-h2 h2c-h1)
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    build
    case $mode in
    --profile) profile "${scenarios[0]}" ;;
    --check) table "${scenarios[@]}" | tee "$work/table" && compare "$work/table" ;;
    *) table "${scenarios[@]}" ;;
    esac
}

build() {
    local options=(-c release --product relay-benchmark --scratch-path "${SCRATCH_PATH:-.build}")
    swift build "${options[@]}" >&2
    # valgrind 3.19 can't read the debug information that Swift 6 writes.
    objcopy --strip-debug "$(swift build "${options[@]}" --show-bin-path)/relay-benchmark" "$work/relay-benchmark"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -keyout "$work/key.pem" -out "$work/certificate.pem" 2>/dev/null
}

# The costs of the proxy's thread in one run: "self FUNCTION COUNT" and "call CALLER CALLEE COUNT", tabs between.
count() {
    local name=$1-$2 thread
    valgrind --tool=callgrind --separate-threads=yes --compress-strings=no --compress-pos=no \
        --callgrind-out-file="$work/$name.out" "$work/relay-benchmark" "$1" --requests "$2" \
        --certificate "$work/certificate.pem" --key "$work/key.pem" >"$work/$name.log" 2>&1 ||
        { cat "$work/$name.log" >&2; exit 1; }
    for thread in "$work/$name.out"-*; do
        awk -v OFS='\t' '
            { sub(/\047[0-9]+$/, "") }                      # the depth of a recursion
            /^fn=/ { function_name = substr($0, 4) }
            /^cfn=/ { callee = substr($0, 5) }
            /^calls=/ { calls[function_name OFS callee] += substr($1, 7); is_inclusive = 1; next }
            /^[0-9]/ { if (!is_inclusive) self[function_name] += $2; is_inclusive = 0 }
            END {
                for (key in self) print "self", key, self[key]
                for (key in calls) print "call", key, calls[key]
            }' "$thread" >"$thread.costs"
    done
    # The event loop is the thread that spends most in functions of the module Proxy.
    for thread in "$work/$name.out"-*.costs; do
        awk -F '\t' -v OFS='\t' '$1 == "self" && $2 ~ /^\$s5Proxy/ { sum += $3 } END { print sum + 0, FILENAME }' "$thread"
    done | sort -n | tail -n 1 | cut -f 2 | xargs cat
    rm "$work/$name.out"*
}

# What a request costs, function by function, as `count` has it.
per_request() {
    local requests=$requests
    # One of them has fifty times as many parts as the others.
    [ "$1" != h1-h1-stream ] || requests=$((requests / 10))
    count "$1" $((2 * requests)) >"$work/longer"
    count "$1" "$requests" >"$work/shorter"
    awk -F '\t' -v OFS='\t' -v requests="$requests" '
        { key = $1 OFS $2 (NF > 3 ? OFS $3 : "") }
        FILENAME ~ /shorter$/ { shorter[key] = $NF; next }
        { print key, ($NF - shorter[key]) / requests }' "$work/shorter" "$work/longer"
}

allocating='^(malloc|calloc|realloc|posix_memalign|aligned_alloc)$'
counting='^swift_(retain|release)$'

table() {
    local scenario
    printf '# %-16s %14s %12s %18s\n' scenario instructions allocations 'retains, releases'
    for scenario in "$@"; do
        per_request "$scenario" >"$work/costs"
        awk -F '\t' -v scenario="$scenario" -v allocating="$allocating" -v counting="$counting" '
            $1 == "self" { instructions += $3 }
            $1 == "call" && $3 ~ allocating { allocations += $4 }
            $1 == "call" && $3 ~ counting { counts += $4 }
            END { printf "%-18s %14.0f %12.1f %18.1f\n", scenario, instructions, allocations, counts }' "$work/costs"
    done
}

compare() {
    awk '
        /^#/ { next }
        FNR == NR { for (i = 2; i <= 4; i++) allowed[$1, i] = $i; next }
        !(($1, 2) in allowed) { print $1 ": no threshold"; failed = 1; next }
        {
            for (i = 2; i <= 4; i++) if ($i > allowed[$1, i] * 1.05) {
                split("instructions allocations retains_and_releases", names, " ")
                print $1 ": " $i " " names[i - 1] ", " allowed[$1, i] " + 5 % are allowed"
                failed = 1
            }
        }
        END { exit failed }' "$thresholds" "$1"
}

profile() {
    per_request "$1" >"$work/costs"
    {
        printf 'Instructions per request\n'
        awk -F '\t' '$1 == "self" { printf "%9.0f  %s\n", $3, $2 }' "$work/costs" | sort -rn | awk 'NR <= 40'
        printf '\nAllocations per request, by caller\n'
        awk -F '\t' -v allocating="$allocating" '
            $1 == "call" && $3 ~ allocating { printf "%9.1f  %s → %s\n", $4, $2, $3 }' "$work/costs" | sort -rn | awk 'NR <= 40'
    } | swift demangle --simplified
}

main "$@"
