@testable import Admission

/// The rules of ``Gate`` restated with lists and full scans: no heaps, no parking, no wake-ups. Whenever anything
/// happens it walks the whole tree of lines for the first ask that every limit lets go.
struct NaiveGate {
    struct Waiting {
        let id: Int
        let identity: Identity
        let sequence: Int
        let deadline: Instant
        var delayedUntil: Instant?
    }

    struct Attempt {
        let id: Int
        let identity: Identity
        let sequence: Int
        let grantedAt: Instant
        var chargedAt: Instant
        let cost: Int64
        /// -1 where there are none.
        var key = -1
        var keyTakenAt = Instant.never
    }

    struct CellKey: Hashable {
        let limit: Int
        let values: [String]
    }

    struct Node {
        var tag: Int64 = 0
        var credit: Int64 = 0
        var virtualTime: Int64 = 0
        var turn = 0
    }

    enum Event: Equatable {
        case granted(Int)
        case timedOut(Int)
        case evicted(Int)
        case drained(Int)
    }

    let rules: GateRules
    let jitter: Interval
    var now: Instant
    var waiting: [Waiting] = []
    var attempts: [Attempt] = []
    var events: [Event] = []
    var rates: [CellKey: [NaiveRate]] = [:]
    var underWay: [CellKey: Set<[String]>] = [:]
    var nodes: [[String]: Node] = [:]
    var turns = 0
    /// How long attempts usually hold their slots, by tenant and of all.
    var holds: [String: Interval] = [:]
    var typicalHold: Interval?
    var sequences = 0
    var isDraining = false
    var pausedUntil = Instant(nanoseconds: .min)
    var nextAfterPause = Instant(nanoseconds: .min)
    var rampSpacing = Interval.zero
    var ring: NaiveKeys

    init(rules: GateRules, jitter: Interval, now: Instant) {
        self.rules = rules
        ring = NaiveKeys(rules)
        self.jitter = jitter
        self.now = now
    }

    // MARK: Limits

    private func cells(_ identity: Identity) -> [(key: CellKey, limit: Limit)] {
        rules.limits.enumerated().compactMap { index, limit in
            guard limit.mode == .enforce, limit.keys.isEmpty, limit.applies(to: identity) else { return nil }
            return (CellKey(limit: index, values: limit.per.map { identity[$0] }), limit)
        }
    }

    private func isCounted(_ identity: Identity, in key: CellKey) -> Bool {
        cells(identity).contains { $0.key == key }
    }

    func inFlight(in key: CellKey) -> Int {
        attempts.filter { isCounted($0.identity, in: key) || keyLimits($0.identity, $0.key).contains(key.limit) }.count
    }

    func waiting(in key: CellKey) -> Int { waiting.filter { isCounted($0.identity, in: key) }.count }

    /// When all the limits of an identity let one more go, if nothing else happens; never where only an end can tell.
    private func opening(_ identity: Identity) -> Instant {
        var latest = max(pausedUntil, nextAfterPause)
        for (key, limit) in cells(identity) {
            let terms = limit.terms(for: identity)
            if let slots = terms.inFlight, inFlight(in: key) >= slots { return .never }
            if let distinct = terms.distinct {
                let counted = underWay[key] ?? []
                let combination = distinct.of.map { identity[$0] }
                if !counted.contains(combination), counted.count >= distinct.atMost { return .never }
            }
            for rate in rates[key] ?? [] { latest = max(latest, rate.opening) }
        }
        return max(latest, keyOpening(identity))
    }

    private mutating func forEachRate(of identity: Identity, key: Int = -1, _ body: (inout NaiveRate) -> Void) {
        let own = keyLimits(identity, key).map { (key: CellKey(limit: $0, values: []), limit: rules.limits[$0]) }
        for (key, limit) in cells(identity) + own {
            var list =
                rates[key]
                ?? limit.terms(for: identity).rates.map { NaiveRate($0, pacing: rules.pacing, jitter: jitter) }
            for index in list.indices { body(&list[index]) }
            rates[key] = list
        }
    }

    private mutating func endWhatIsIdle() {
        for (key, combinations) in underWay {
            guard let distinct = rules.limits[key.limit].terms.distinct else { continue }
            let held = (waiting.map(\.identity) + attempts.map(\.identity)).filter { isCounted($0, in: key) }
            let alive = Set(held.map { identity in distinct.of.map { identity[$0] } })
            underWay[key] = combinations.intersection(alive)
        }
    }

    // MARK: The line

    private func path(_ identity: Identity) -> [[String]] {
        let values = rules.fairness.levels.map { identity[$0] }
        return values.indices.map { Array(values[0...$0]) }
    }

    private func weight(_ path: [String]) -> Int {
        rules.fairness.weight(of: path[path.count - 1], in: rules.fairness.levels[path.count - 1])
    }

    private func standing(below path: [String]) -> [Waiting] {
        waiting.filter { ask in
            ask.delayedUntil == nil && Array(rules.fairness.levels.map { ask.identity[$0] }.prefix(path.count)) == path
        }
    }

    /// The first ask in fair order below a node that every limit lets go.
    private func first(below path: [String]) -> Waiting? {
        let asks = standing(below: path).filter { opening($0.identity) <= now }
        guard path.count < rules.fairness.levels.count else { return asks.min { $0.sequence < $1.sequence } }
        let dimension = rules.fairness.levels[path.count]
        let children = Set(asks.map { path + [$0.identity[dimension]] })
        let best = children.min { left, right in
            let (left, right) = (nodes[left, default: Node()], nodes[right, default: Node()])
            return (left.tag, left.turn) < (right.tag, right.turn)
        }
        return best.flatMap { first(below: $0) }
    }

    private mutating func stand(_ index: Int) {
        waiting[index].delayedUntil = nil
        for path in path(waiting[index].identity) where standing(below: path).count == 1 {
            turns += 1
            let present = nodes[Array(path.dropLast()), default: Node()].virtualTime
            nodes[path, default: Node()].turn = turns
            nodes[path, default: Node()].tag = max(nodes[path, default: Node()].tag, present)
            nodes[path, default: Node()].credit = 0
        }
    }

    // MARK: Shares

    private func tenant(_ identity: Identity) -> String {
        rules.fairness.levels.first.map { identity[$0] } ?? ""
    }

    /// The largest part that an attempt takes of any limit that all compete for, in nanoseconds of the whole of it.
    private func cost(_ identity: Identity, hold: Interval) -> Int64 {
        var parts: [Interval] = []
        for (_, limit) in cells(identity) where limit.terms.distinct == nil {
            if limit.per.contains(where: rules.fairness.levels.contains) { continue }
            let terms = limit.terms(for: identity)
            if let slots = terms.inFlight { parts.append(hold / slots) }
            parts += terms.rates.filter { $0.window < .days(1) }.map { $0.window / $0.quota }
        }
        parts.append(keyCost(identity, hold: hold))
        return parts.max().flatMap { $0 > .zero ? $0.nanoseconds : nil } ?? FairLine.unit
    }

    private mutating func noteHold(_ attempt: Attempt) {
        let held = now - attempt.grantedAt
        typicalHold = typicalHold.map { $0 + (held - $0) / 8 } ?? held
        holds[tenant(attempt.identity)] = holds[tenant(attempt.identity)].map { $0 + (held - $0) / 8 } ?? held
        reprice(attempt, cost(attempt.identity, hold: held))
    }

    private mutating func reprice(_ attempt: Attempt, _ cost: Int64) {
        for path in path(attempt.identity) {
            let change = step(path, cost) - step(path, attempt.cost)
            nodes[path, default: Node()].tag += change
            if change < 0 { nodes[path, default: Node()].credit -= change }
        }
    }

    private func step(_ path: [String], _ cost: Int64) -> Int64 {
        cost == 0 ? 0 : max(1, cost / Int64(weight(path)))
    }

    private mutating func moveTags(_ identity: Identity, cost: Int64) {
        for path in path(identity).reversed() {
            let parent = Array(path.dropLast())
            let present = nodes[parent, default: Node()].virtualTime
            let node = nodes[path, default: Node()]
            let start = max(node.tag, present - node.credit)
            nodes[parent, default: Node()].virtualTime = max(present, start)
            turns += 1
            nodes[path, default: Node()].tag = start + step(path, cost)
            nodes[path, default: Node()].credit = max(0, min(node.credit, present - (start + step(path, cost))))
            nodes[path, default: Node()].turn = turns
        }
    }

    // MARK: Events

    private mutating func grant(_ ask: Waiting) {
        waiting.removeAll { $0.id == ask.id }
        let hold = holds[tenant(ask.identity)] ?? typicalHold ?? .seconds(1)
        let cost = cost(ask.identity, hold: hold)
        let key = ring.keys.isEmpty ? -1 : nextKey(ask.identity, from: now).key
        if key >= 0 {
            useKey(key)
            sent(key, ask.identity, at: now)
        }
        attempts.append(
            Attempt(
                id: ask.id, identity: ask.identity, sequence: ask.sequence, grantedAt: now, chargedAt: now, cost: cost,
                key: key, keyTakenAt: now))
        let instant = now
        forEachRate(of: ask.identity, key: key) { $0.charge(at: instant) }
        for (key, limit) in cells(ask.identity) {
            guard let distinct = limit.terms.distinct else { continue }
            underWay[key, default: []].insert(distinct.of.map { ask.identity[$0] })
        }
        moveTags(ask.identity, cost: cost)
        sent(at: now)
        events.append(.granted(ask.id))
    }

    private mutating func sent(at instant: Instant) {
        guard nextAfterPause >= pausedUntil, instant < pausedUntil + .seconds(1) else { return }
        nextAfterPause = instant + rampSpacing
    }

    private mutating func sent(_ key: Int, _ identity: Identity, at instant: Instant) {
        ring.keys[key].pause.sent(at: instant)
        for limit in keyLimits(identity, key) { ring.pauses[limit]?.sent(at: instant) }
    }

    mutating func dispatch() {
        endWhatIsIdle()
        while let ask = first(below: []) { grant(ask) }
    }

    /// The next instant at which something happens by itself.
    var nextEvent: Instant {
        waiting.map { ask in
            min(ask.deadline, ask.delayedUntil ?? max(now, opening(ask.identity)))
        }.min() ?? .never
    }

    mutating func advance(to instant: Instant) {
        now = instant
        for index in waiting.indices where waiting[index].delayedUntil.map({ $0 <= instant }) ?? false { stand(index) }
        dispatch()
        for ask in waiting where ask.deadline <= now {
            events.append(.timedOut(ask.id))
            waiting.removeAll { $0.id == ask.id }
        }
        dispatch()
    }

    enum Arrival: Equatable { case admitted, waiting, refused(GateRefusal.Reason) }

    /// Whether an ask would go now, wait, or meet a full queue.
    func arrival(_ identity: Identity) -> Arrival {
        if isDraining { return .refused(.draining) }
        if opening(identity) <= now { return .admitted }
        guard let outermost = rules.fairness.levels.first else {
            return waiting.count >= rules.queue.maxRequests ? .refused(.queueFull) : .waiting
        }
        let tenant = identity[outermost]
        let own = waiting.filter { $0.identity[outermost] == tenant }.count
        if own >= rules.queue.maxRequestsPerTenant { return .refused(.tenantQueueFull) }
        if waiting.count >= rules.queue.maxRequests, flooder(arriving: tenant) == tenant { return .refused(.queueFull) }
        return .waiting
    }

    /// Who has most waiting per weight, counting an arrival as the newest of all.
    private func flooder(arriving: String) -> String? {
        guard let outermost = rules.fairness.levels.first else { return nil }
        let tenants = Set(waiting.map { $0.identity[outermost] } + [arriving])
        return tenants.max { left, right in
            func load(_ tenant: String) -> (count: Int, newest: Int) {
                let own = waiting.filter { $0.identity[outermost] == tenant }
                let isArriving = tenant == arriving
                return (own.count + (isArriving ? 1 : 0), isArriving ? .max : own.map(\.sequence).max() ?? 0)
            }
            let (l, r) = (load(left), load(right))
            let (lw, rw) = (weight([left]), weight([right]))
            return (l.count * rw, l.newest) < (r.count * lw, r.newest)
        }
    }

    mutating func submit(_ id: Int, _ identity: Identity, deadline: Instant) {
        sequences += 1
        if waiting.count >= rules.queue.maxRequests, opening(identity) > now,
            let outermost = rules.fairness.levels.first,
            let flooder = flooder(arriving: identity[outermost]),
            let newest = waiting.filter({ $0.identity[outermost] == flooder }).max(by: { $0.sequence < $1.sequence })
        {
            events.append(.evicted(newest.id))
            waiting.removeAll { $0.id == newest.id }
        }
        waiting.append(Waiting(id: id, identity: identity, sequence: sequences, deadline: deadline))
        stand(waiting.count - 1)
        dispatch()
    }

    mutating func cancel(_ id: Int) {
        waiting.removeAll { $0.id == id }
        dispatch()
    }

    mutating func settle(_ id: Int) {
        _ = end(id, wasSent: true)
        dispatch()
    }

    private mutating func end(_ id: Int, wasSent: Bool, isWithdrawn: Bool = false) -> Attempt? {
        guard let index = attempts.firstIndex(where: { $0.id == id }) else { return nil }
        let attempt = attempts.remove(at: index)
        if attempt.key >= 0 {
            // It ends as an answer.
            if !isWithdrawn { ring.keys[attempt.key].suspension.answered(takenAt: attempt.keyTakenAt) }
            ring.keys[attempt.key].suspension.ended(takenAt: attempt.keyTakenAt)
        }
        guard !wasSent else {
            noteHold(attempt)
            return attempt
        }
        let instant = now
        forEachRate(of: attempt.identity, key: attempt.key) { $0.uncharge(at: attempt.chargedAt, now: instant) }
        reprice(attempt, 0)
        return attempt
    }

    mutating func withdraw(_ id: Int) {
        _ = end(id, wasSent: false, isWithdrawn: true)
        dispatch()
    }

    /// `isRefused` where the wait is known to be too long.
    mutating func retry(_ id: Int, wasSent: Bool, at instant: Instant, deadline: Instant, isRefused: Bool) {
        guard let attempt = end(id, wasSent: wasSent) else { return }
        if !isRefused {
            let isDelayed = instant > now
            // Not yet in line even where it is due, so that the line counts it when it stands.
            waiting.append(
                Waiting(
                    id: id, identity: attempt.identity, sequence: attempt.sequence, deadline: deadline,
                    delayedUntil: instant))
            if !isDelayed { stand(waiting.count - 1) }
        }
        dispatch()
    }

    mutating func depart(_ id: Int) -> Instant {
        guard let index = attempts.firstIndex(where: { $0.id == id }) else { return .never }
        let attempt = attempts[index]
        let instant = now
        forEachRate(of: attempt.identity, key: attempt.key) { $0.uncharge(at: attempt.chargedAt, now: instant) }
        var departure = max(now, pausedUntil, nextAfterPause)
        forEachRate(of: attempt.identity) { departure = max(departure, $0.opening) }
        if attempt.key >= 0 {
            ring.keys[attempt.key].suspension.ended(takenAt: attempt.keyTakenAt)
            attempts[index].key = -1
            let instant = departure
            var key: Int
            (key, departure) = nextKey(attempt.identity, from: instant)
            if keyOpening(attempt.identity, attempt.key, from: instant) <= departure { key = attempt.key }
            useKey(key, isAgain: key == attempt.key)
            (attempts[index].key, attempts[index].keyTakenAt) = (key, now)
            sent(attempts[index].key, attempt.identity, at: departure)
        }
        forEachRate(of: attempt.identity, key: attempts[index].key) { $0.charge(at: departure) }
        sent(at: departure)
        attempts[index].chargedAt = departure
        dispatch()
        return departure
    }

    mutating func pause(until instant: Instant) {
        guard instant > max(now, pausedUntil) else { return }
        pausedUntil = instant
        nextAfterPause = instant
        let roots = rules.limits.enumerated().filter { _, limit in
            limit.mode == .enforce && limit.per.isEmpty && limit.match.isEmpty && limit.terms.distinct == nil
                && limit.keys.isEmpty
        }
        let slots = roots.compactMap { $0.element.terms.inFlight }.min() ?? 100
        rampSpacing = .seconds(1) / max(1, min(slots, 100))
        for (index, limit) in roots {
            let key = CellKey(limit: index, values: [])
            var list = rates[key] ?? limit.terms.rates.map { NaiveRate($0, pacing: rules.pacing, jitter: jitter) }
            for place in list.indices { list[place].forgoBurst(until: instant) }
            rates[key] = list
        }
        dispatch()
    }

    mutating func drain() {
        isDraining = true
        for ask in waiting { events.append(.drained(ask.id)) }
        waiting = []
        endWhatIsIdle()
    }
}
