#!/usr/bin/env bash
# Counts the instructions of one decision of the gate: the difference of two runs under callgrind, one with twice as many
# decisions as the other, so that starting and filling the line cancel out. Slow: some minutes for all situations.
# Arguments are situations (`rehearse gate --help` names them); all of them by default.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v valgrind >/dev/null || { echo "valgrind is not installed" >&2; exit 1; }
swift build -c release --product rehearse >&2
# Without what a debugger wants: valgrind before 3.20 stumbles over it (DWARF 5).
rehearse=$(mktemp)
trap 'rm -f "$rehearse"' EXIT
strip -g -o "$rehearse" "$(swift build -c release --show-bin-path)/rehearse"
chmod +x "$rehearse"

count=${COUNT:-5000}
situations=("$@")
[ ${#situations[@]} -gt 0 ] || situations=(jobs tenants idle tokens models)

# The instructions of one run: callgrind says "Collected : N" at its end.
instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$rehearse" gate "$@" 2>&1 >/dev/null |
        awk '/Collected/ { print $NF }'
}

per_operation() {
    local once twice
    once=$(instructions --situation "$1" "--$2" "$count")
    twice=$(instructions --situation "$1" "--$2" $((2 * count)))
    echo $(((twice - once) / count))
}

printf '%-10s %22s %14s\n' situation 'submit and settle' cancel
for situation in "${situations[@]}"; do
    cancel=
    [ "$situation" = idle ] || cancel=$(per_operation "$situation" cancels)
    printf '%-10s %22s %14s\n' "$situation" "$(per_operation "$situation" decisions)" "$cancel"
done
