#!/usr/bin/env bash
# Counts what one request costs the proxy's event loop: instructions, allocations, reference counts, reads and writes.
# Two runs under callgrind, one with more requests than the other, so that starting and connecting cancel out; of each
# run only the thread that runs the proxy. Two counts of the same program differ by 1 to 2 %, by how the threads take
# turns. How often the loop asks the kernel for events depends on nothing else, so that is no part of the counts.
# The scenarios are `relay-benchmark --help`'s; all of them by default.
#
#   scripts/relay-instructions.sh [SCENARIO…]           a table, in the form of Benchmarks/Thresholds/relay.txt
#   scripts/relay-instructions.sh --check [SCENARIO…]   fails where a value is more than 5 % above that file's
#   scripts/relay-instructions.sh --profile SCENARIO    where the instructions and the allocations are
#
# SCRATCH_PATH is where to build (.build), REQUESTS by how many requests the two runs differ (1000).
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
    --check)
        table "${scenarios[@]}" | tee "$work/table"
        compare "$work/table"
        ;;
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
    local name=$1-$2 loop
    if ! valgrind --tool=callgrind --separate-threads=yes --compress-strings=no --compress-pos=no \
        --callgrind-out-file="$work/$name.out" "$work/relay-benchmark" "$1" --requests "$2" \
        --certificate "$work/certificate.pem" --key "$work/key.pem" >"$work/$name.log" 2>&1; then
        cat "$work/$name.log" >&2
        return 1
    fi
    # The event loop is the thread that spends most in functions of the module Proxy.
    loop=$(awk '
        FNR == 1 { is_inclusive = 0; sum[FILENAME] = 0 }
        /^fn=/ { is_proxy = /^fn=\$s5Proxy/ }
        /^calls=/ { is_inclusive = 1; next }
        /^[0-9]/ { if (is_proxy && !is_inclusive) sum[FILENAME] += $2; is_inclusive = 0 }
        END { for (file in sum) if (sum[file] > sum[loop]) loop = file; print loop }' "$work/$name.out"-*)
    awk -v OFS='\t' '
        { sub(/\047[0-9]+$/, "") }                      # the depth of a recursion
        /^fn=/ { function_name = substr($0, 4) }
        /^cfn=/ { callee = substr($0, 5) }
        /^calls=/ { calls[function_name OFS callee] += substr($1, 7); is_inclusive = 1; next }
        /^[0-9]/ { if (!is_inclusive) self[function_name] += $2; is_inclusive = 0 }
        END {
            for (key in self) print "self", key, self[key]
            for (key in calls) print "call", key, calls[key]
        }' "${loop:?no thread ran the proxy}" >"$work/$3"
    rm "$work/$name".*
}

# What a request costs, function by function, as `count` has it.
per_request() {
    # Enough that every connection is open and what grows has grown.
    local settled=200 more=$requests
    case $1 in
    # It has fifty times as many parts.
    h1-h1-stream) settled=64 more=$((requests / 10)) ;;
    # Its 64 streams get their upstream connections bit by bit.
    h2c-h1) settled=1000 ;;
    esac
    count "$1" "$settled" shorter &
    count "$1" $((settled + more)) longer
    wait $!
    awk -F '\t' -v OFS='\t' -v requests="$more" '
        { key = $1 OFS $2 (NF > 3 ? OFS $3 : "") }
        FILENAME ~ /shorter$/ { shorter[key] = $NF; next }
        { print key, ($NF - shorter[key]) / requests }' "$work/shorter" "$work/longer"
}

allocating='^(malloc|calloc|realloc|posix_memalign|aligned_alloc)$'
# What allocates and counts for others: the caller to name is theirs, and an allocation within theirs is no second one.
passing='^(_?swift_allocObject_?|swift_slowAlloc|swift_slowAllocTyped|operator new.*|_mid_memalign.*|posix_memalign|swift_bridgeObject(Retain|Release))$'
counting='^swift_(retain|release)$'
system='^(read|readv|recv|recvmsg|write|writev|send|sendmsg)$'

table() {
    local scenario
    printf '# %-16s %14s %12s %18s %13s\n' scenario instructions allocations 'retains, releases' 'reads, writes'
    for scenario in "$@"; do
        per_request "$scenario" >"$work/costs"
        awk -F '\t' -v scenario="$scenario" -v allocating="$allocating" -v counting="$counting" \
            -v system_call="$system" '
            $1 == "self" { instructions += $3 }
            $1 == "call" && $3 ~ allocating && $2 !~ /^_mid_memalign/ { allocations += $4 }
            $1 == "call" && $3 ~ counting { counts += $4 }
            $1 == "call" && $3 ~ system_call { calls += $4 }
            END { printf "%-18s %14.0f %12.1f %18.1f %13.1f\n", scenario, instructions, allocations, counts, calls }
        ' "$work/costs"
    done
}

compare() {
    awk '
        /^#/ { next }
        FNR == NR { for (i = 2; i <= 5; i++) allowed[$1, i] = $i; next }
        !(($1, 2) in allowed) { print $1 ": no threshold"; failed = 1; next }
        {
            for (i = 2; i <= 5; i++) if ($i > allowed[$1, i] * 1.05) {
                split("instructions allocations retains/releases reads/writes", names, " ")
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
        callers "$allocating|^_?swift_allocObject_?$|^swift_slowAlloc"
        printf '\nRetains and releases per request, by caller\n'
        callers "$counting|^swift_bridgeObject(Retain|Release)$"
    } | swift demangle --simplified
}

# Who calls what matches, and how often.
callers() {
    awk -F '\t' -v callee="$1" -v passing="$passing" '
        $1 == "call" && $3 ~ callee && $2 !~ passing && $4 >= 0.05 { printf "%9.1f  %s → %s\n", $4, $2, $3 }
    ' "$work/costs" | sort -rn | awk 'NR <= 40'
}

main "$@"
