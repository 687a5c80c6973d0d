#!/usr/bin/env bash
# Switches each mechanism of the gate, and each of limits over many replicas, off, one at a time, and expects the
# rehearsals to notice.
#
#   scripts/mutation-check.sh [name …]     only these mutations; all where none is named
#   scripts/mutation-check.sh 'cluster-*'  those of many replicas
#
# Works on a copy in build/mutation-check (or $MUTATION_BUILD), so that nothing here is touched; takes the sources from
# $MUTATION_ROOT where that is set. Needs no network besides the packages' own. Exit 0 only if every mutation was found.
set -uo pipefail
export LC_ALL=C
root=${MUTATION_ROOT:-$(cd "$(dirname "$0")/.." && pwd)}
build=${MUTATION_BUILD:-$(cd "$(dirname "$0")/.." && pwd)/.build/mutation-check}
wanted=("$@")
missed=0
folder=Admission
filter=WorldTests
# In seconds, of one run of the tests.
patience=120
export PENSTOCK_SEEDS=${PENSTOCK_SEEDS:-40}

prepare() {
    mkdir -p "$build/Sources" "$build/Tests/RehearsalTests"
    cat >"$build/Package.swift" <<'PACKAGE'
// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "mutation-check",
    dependencies: [.package(url: "https://github.com/apple/swift-collections", from: "1.6.0")],
    targets: [
        .target(name: "Admission", dependencies: [.product(name: "DequeModule", package: "swift-collections")]),
        .target(name: "Rehearsal", dependencies: ["Admission"]),
        .testTarget(name: "RehearsalTests", dependencies: ["Admission", "Rehearsal"]),
    ],
    swiftLanguageModes: [.v6]
)
PACKAGE
    local target
    for target in Sources/Admission Sources/Rehearsal Tests/RehearsalTests; do
        mkdir -p "$build/$target"
        # Times are kept, so that an unchanged file is not built again. Figures are measured elsewhere.
        copy_changed "$root/$target" "$build/$target"
    done
    rm -rf "$build/Sources/Rehearsal/Figures"
    rm -f "$build"/Tests/RehearsalTests/Figure*.swift
}

copy_changed() {
    local file
    (cd "$2" && find . -name '*.swift' | sort) | while read -r file; do
        [ -e "$1/$file" ] || rm -f "$2/$file"
    done
    (cd "$1" && find . -name '*.swift' | sort) | while read -r file; do
        mkdir -p "$(dirname "$2/$file")"
        cmp -s "$1/$file" "$2/$file" || cp "$1/$file" "$2/$file"
    done
}

# Says built, passed or failed.
trial() {
    local log="$build/$1.log"
    if ! swift build --package-path "$build" --build-tests >"$log" 2>&1; then
        echo "unbuildable"
    elif timeout "$patience" swift test --package-path "$build" --skip-build --filter "$filter" >>"$log" 2>&1; then
        echo "passed"
    else
        echo "failed"
    fi
}

# What a mutated build complained about first, with the seed.
complaint() {
    grep -aoE '\["[^"]*"' "$build/$1.log" | head -1 | tr -d '["' | cut -c1-70
}

is_wanted() {
    local pattern
    [ ${#wanted[@]} -gt 0 ] || return 0
    # shellcheck disable=SC2053
    for pattern in "${wanted[@]}"; do [[ $1 != $pattern ]] || return 0; done
    return 1
}

# mutate NAME FILE OLD NEW: the text must stand in the file exactly once.
mutate() {
    local name=$1 file=$2 old=$3 new=$4
    is_wanted "$name" || return 0
    local path="$build/Sources/$folder/$file" text without count result
    text=$(cat "$path"; printf x)
    text=${text%x}
    without=${text//"$old"/}
    count=$(((${#text} - ${#without}) / ${#old}))
    if [ "$count" -ne 1 ]; then
        printf '%-16s %-12s %s\n' "$name" "NOT APPLIED" "the text stands $count times in $file"
        missed=$((missed + 1))
        return
    fi
    printf '%s' "${text/"$old"/"$new"}" >"$path"
    result=$(trial "$name")
    if [ "$result" = failed ]; then
        printf '%-16s %-12s %s\n' "$name" "found" "$(complaint "$name")"
    else
        printf '%-16s %-12s %s\n' "$name" "NOT FOUND" "the tests $result"
        missed=$((missed + 1))
    fi
    printf '%s' "$text" >"$path"
}

# Whether the tests pass that are to find something.
begin() {
    local baseline
    baseline=$(trial baseline)
    [ "$baseline" != passed ] || return 0
    echo "unchanged sources must pass first, but $baseline: see $build/baseline.log"
    complaint baseline
    exit 1
}

prepare
[[ ${wanted[*]-} == cluster-* ]] || begin
printf '%-16s %-12s %s\n' mutation result "first complaint"

mutate stated-log RatePacer.swift \
    'max(stated.earliest(for: units, now: now), enforced?.earliest(for: units, now: now) ?? now)' \
    'enforced?.earliest(for: units, now: now) ?? now'
mutate enforced-log RatePacer.swift \
    'max(stated.earliest(for: units, now: now), enforced?.earliest(for: units, now: now) ?? now)' \
    'stated.earliest(for: units, now: now)'
mutate spacing RatePacer.swift \
    'spacing > .zero ? due - spacing * (burst - min(units, burst)) : now' 'now'
mutate quarter-burst RatePacer.swift 'burst = max(1, part / 4)' 'burst = max(1, part)'
mutate all-or-nothing Gate+Granting.swift \
    'return line.attachments(of: flow).allSatisfy { attachment in' \
    'return line.attachments(of: flow).prefix(1).allSatisfy { attachment in'
mutate depart Gate.swift \
    '        let departure = move(permit.place)' \
    '        guard isDraining else { return now }
        let departure = move(permit.place)'
mutate uncharge Gate+Permits.swift \
    '        uncharge(attempt)
        line.correct(attempt.flow, attempt.cost, to: 0)' \
    '        line.correct(attempt.flow, attempt.cost, to: 0)'
mutate pause Gate+Permits.swift 'pause.set(until: instant, slots: slots)' '_ = slots'
mutate parking Gate+Granting.swift \
    '                park(child, on: closed, for: .none)
                return true' \
    '                _ = closed
                return false'
mutate fair-tags FairLine.swift \
    'tag = start + step(cost)' 'tag = start'
mutate weights FairLine.swift 'weight == 1 ? cost : cost / Int64(weight)' 'cost'
mutate cost-correction Gate+Permits.swift \
    'attempt.flow, attempt.cost, to: cost(of: attempt.flow, attempt.reserve.tokens, hold: held))' \
    'attempt.flow, attempt.cost, to: attempt.cost)'
mutate retry-budget Gate.swift '!isFree, !budget.takeRetry(now: now)' '!isFree, waiting < 0'
mutate breaker Breaker.swift \
    'if failuresInRow >= rules.failures || isShareReached { open(now: now) }' \
    'if failuresInRow < 0, isShareReached { open(now: now) }'
mutate token-correction Gate+Permits.swift \
    'guard rules.tokenCounting != .reservation else { return }' \
    'guard rules.tokenCounting != .reservation, isDraining else { return }'
mutate queue-bound Gate.swift \
    'if waiting > rules.queue.maxRequests { evictFromLargestBacklog() }' \
    'if waiting < 0 { evictFromLargestBacklog() }'
mutate eviction Gate+Estimate.swift \
    'return tenant == largest.member || own < largest.key ?' 'return waiting > 0 || own < largest.key ?'
mutate expiry Gate.swift \
    'while let place = room.nextExpired(now: now) {' \
    'while isDraining, let place = room.nextExpired(now: now) {'
mutate slot-release Gate+Permits.swift 'cells[attachment.cell].release()' '_ = attachment.cell'
mutate distinct Cell.swift \
    'if inFlight >= maxInFlight || isNew && underWay >= maxDistinct { return .never }' \
    'if inFlight >= maxInFlight { return .never }'

mutate key-limits Gate+Keys.swift \
    'latest = max(latest, cells[attachment.cell].opening(isNew: false, for: selection.tokens, now: instant))' \
    'latest = cells[attachment.cell].countsTokens ? .never : latest'
mutate key-suspension Keyring.swift \
    'until = now + min(Self.longest, Self.shortest * (1 << min(failures, Self.doublings)))' 'until = now'

filter='ClusterTests|StorePaceTests'
patience=600
[ ${#wanted[@]} -gt 0 ] && [[ " ${wanted[*]}" != *" cluster-"* ]] || begin

# What the store does, in its model; `ScriptTests` hold the script against that.
folder=Rehearsal/Cluster
mutate cluster-debt ModelStore.swift \
    'state.owe(units * pace.ratio, until: slices * pace.slice)' 'state.owe(0, until: slices * pace.slice)'
mutate cluster-pool ModelStore.swift \
    'state.pool = max(0, state.pool - Double(max(0, min(state.due, now) - state.at)) / pace.gap)' '_ = state.pool'
mutate cluster-grid ModelStore.swift 'if gone.isEmpty { return time }' 'if count > 0 { return time }'
mutate cluster-lost ModelStore.swift \
    '(room.born, room.lost) = (now, true)' '_ = room.born'
mutate cluster-fear ModelStore.swift \
    'min(risk, pace.burst * pace.ratio), until: room' '0, until: room'
mutate cluster-returning ModelStore.swift 'private static let returning: Int64 = 500_000' \
    'private static let returning: Int64 = 0'
mutate cluster-sliding ModelStore.swift 'till: max(now + Self.horizon + 1, ' 'till: min(now, '
mutate cluster-calm ModelStore.swift 'if state.at < room.calm {' 'if room.calm < 0 {'
mutate cluster-learning ModelStore.swift 'result.isClosed = isLearning
        case .daily' 'result.isClosed = false
        case .daily'
mutate cluster-dead ModelStore.swift 'where until <= now - Self.dead' 'where until < 0'
mutate cluster-late ModelStore.swift 'now > deadline.microseconds { return nil }' 'now < 0, deadline.microseconds < 0 { return nil }'
mutate cluster-pauses ModelStore.swift \
    'if turn.pause > .zero { room.pause =' 'if turn.pause < .zero { room.pause ='
mutate cluster-fair ModelStore.swift 'line.filter { $0.key != name }.map(\.value).min()' 'line.filter { $0.key.isEmpty }.map(\.value).min()'
mutate cluster-held ModelStore.swift \
    'count.held[sitting.me] = leaves ? nil : held' 'count.held[sitting.me] = leaves ? nil : 0'

# What a replica does.
folder=Admission/Shared
mutate cluster-part PartPacer.swift 'period = step * members * stretch' 'period = step * stretch'
mutate cluster-stretch SharedCell.swift '(units * 19 / 20) / (units - debt) + 1' 'debt >= 0 ? 1 : units'
mutate cluster-slots SharedCell.swift \
    'mostInFlight = min(lastingInFlight, inFlight + part.slots(of: free))' 'mostInFlight = lastingInFlight + free'
mutate cluster-promise SharedBook.swift \
    'if let turn { promisedUntil = max(promisedUntil, turn.sentAt + SharedTurn.horizon + turn.promise) }' \
    'promisedUntil = Instant(nanoseconds: .min)'
mutate cluster-credits Credits.swift 'while let first = credits.first, first.at + validity < now {' \
    'while let first = credits.first, first.at < Instant(nanoseconds: 0) {'
mutate cluster-told Gate+Shared.swift \
    'pauseAll(until: until)
            sharedBook?.noteTold(until)' 'sharedBook?.noteTold(Instant(nanoseconds: 0))'

[ "$missed" -eq 0 ] || echo "$missed not found"
exit $((missed > 0))
