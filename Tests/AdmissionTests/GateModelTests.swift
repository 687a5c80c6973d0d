import Rehearsal
import Testing

@testable import Admission

@Suite("The gate against a naive restatement of its rules")
struct GateModelTests {
    @Test("decides as the naive gate does, whatever happens", arguments: seeds(100))
    func agreesWithModel(seed: UInt64) throws {
        var world = ModelWorld(seed: seed)
        for step in 0..<200 {
            try world.step()
            if let difference = world.difference() {
                Issue.record("step \(step): \(difference); repeat with PENSTOCK_SEED=\(seed)")
                return
            }
        }
    }
}

/// A gate and its model, driven by one seed.
private struct ModelWorld {
    var random: SplitMix64
    let rules: GateRules
    var gate: Gate
    var model: NaiveGate
    var now = Instant.start
    var nextID = 0
    var tickets: [Ticket: Int] = [:]
    var permits: [Int: Permit] = [:]
    var finished: Set<Int> = []
    var seen: [NaiveGate.Event] = []
    var complaint: String?

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        rules = RandomRules.make(&random)
        gate = Gate(rules: rules, now: now)
        model = NaiveGate(rules: rules, jitter: .milliseconds(10), now: now)
    }

    mutating func step() throws {
        let pauses: [Interval] = [.zero, .milliseconds(1), .milliseconds(300), .seconds(2)]
        pass(until: now + random.interval(upTo: random.one(of: pauses)))
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<45: submit()
        case 45..<65: withPermit { $0.settle($1, $2) }
        case 65..<75: cancel()
        case 75..<85: withPermit { $0.retry($1, $2) }
        case 85..<90: withPermit { $0.withdraw($1, $2) }
        case 90..<93: withPermit { $0.depart($1, $2) }
        case 93..<95: pause()
        case 95..<96 where random.chance(percent: 10): drain()
        case 96..<98 where !rules.keys.isEmpty: withPermit { $0.pauseKey($1, $2) }
        case 98..<99 where !rules.keys.isEmpty: withPermit { $0.refuseKey($1, $2) }
        default: pass(until: now + random.interval(upTo: .seconds(20)))
        }
        collect()
    }

    // MARK: What happens

    private mutating func pass(until instant: Instant) {
        while true {
            let next = gate.nextDeadline
            if model.nextEvent < next { complain("something is due at \(model.nextEvent), the gate says \(next)") }
            guard next <= instant, complaint == nil else { break }
            if next < now { complain("the next deadline \(next) lies before \(now)") }
            now = max(now, next)
            gate.advance(to: now)
            model.advance(to: now)
            collect()
            if gate.nextDeadline <= now { return complain("the gate wants to be called again at once") }
        }
        now = instant
        model.now = instant
    }

    private mutating func submit() {
        let identity = Identity(
            tenant: random.one(of: ["a", "b", "c", "d", "e"]), job: random.one(of: ["", "1", "2", "3"]),
            priority: random.one(of: Priority.allCases), model: random.one(of: ["m-1", "m-2", "n"]),
            credential: random.one(of: ["k", "l"]))
        let deadline = random.chance(percent: 70) ? Instant.never : now + random.interval(upTo: .seconds(30))
        let expected = model.arrival(identity)
        let id = nextID
        nextID += 1
        let answer = gate.submit(Ask(identity: identity, deadline: deadline), now: now)
        let until = min(deadline, now + rules.queue.timeout)
        switch (answer, expected) {
        case (.admitted(let permit), .admitted):
            permits[id] = permit
            model.submit(id, identity, deadline: until)
            if model.events.first != .granted(id) { complain("the model admits others before \(id)") }
            model.events.removeFirst()
        case (.waiting(let ticket, _), .waiting):
            tickets[ticket] = id
            model.submit(id, identity, deadline: until)
        case (.refused(let refusal), .waiting) where refusal.reason == .waitTooLong: break
        case (.refused(let refusal), .refused) where refusal.reason == .waitTooLong: break
        case (.refused(let refusal), .refused(let reason)) where refusal.reason == reason: break
        default: complain("the gate answers \(answer), the model \(expected)")
        }
    }

    private mutating func withPermit(_ body: (inout ModelWorld, Int, Permit) -> Void) {
        let ids = permits.keys.sorted()
        guard !ids.isEmpty else { return }
        let id = random.one(of: ids)
        guard let permit = permits[id] else { return }
        body(&self, id, permit)
    }

    private mutating func settle(_ id: Int, _ permit: Permit) {
        permits[id] = nil
        finish(id)
        gate.settle(permit, now: now)
        model.settle(id)
    }

    private mutating func withdraw(_ id: Int, _ permit: Permit) {
        permits[id] = nil
        finish(id)
        gate.withdraw(permit, now: now)
        model.withdraw(id)
    }

    private mutating func depart(_ id: Int, _ permit: Permit) {
        let (real, naive) = (gate.depart(permit, now: now), model.depart(id))
        if real != naive { complain("\(id) departs at \(real), in the model at \(naive)") }
    }

    private mutating func pauseKey(_ id: Int, _ permit: Permit) {
        let until = now + random.interval(upTo: .seconds(5))
        gate.tick(now)
        gate.pauseKey(of: gate.attempt(of: permit), until: until)
        gate.dispatch()
        model.pauseKey(of: id, until: until)
    }

    private mutating func refuseKey(_ id: Int, _ permit: Permit) {
        let fault = random.one(of: [KeyFault.exhausted, .rejected])
        let (real, naive) = (gate.refusedKey(of: permit, fault, now: now), model.refuseKey(of: id, fault))
        if real != naive { complain("another key may take \(id): \(real), in the model \(naive)") }
    }

    private mutating func retry(_ id: Int, _ permit: Permit) {
        let wasSent = random.chance(percent: 60)
        let instant = random.chance(percent: 50) ? now : now + random.interval(upTo: .seconds(5))
        let deadline = now + random.interval(upTo: .seconds(40))
        permits[id] = nil
        // The retry budget has tests of its own.
        switch gate.retry(permit, wasSent: wasSent, isFree: true, at: instant, deadline: deadline, now: now) {
        case .waiting(let ticket, _):
            tickets[ticket] = id
            let until = min(deadline, now + rules.queue.timeout)
            model.retry(id, wasSent: wasSent, at: instant, deadline: until, isRefused: false)
        case .refused(let refusal):
            let isKnown = refusal.reason == .waitTooLong || model.isDraining
            if !isKnown { complain("\(id) may not be tried again: \(refusal)") }
            finish(id)
            model.retry(id, wasSent: wasSent, at: instant, deadline: deadline, isRefused: true)
        case .admitted, nil: complain("what is tried again waits for its turn")
        }
    }

    private mutating func cancel() {
        let waiting = tickets.sorted { $0.value < $1.value }
        guard !waiting.isEmpty else { return }
        let (ticket, id) = random.one(of: waiting)
        tickets[ticket] = nil
        finish(id)
        gate.cancel(ticket, now: now)
        model.cancel(id)
        if random.chance(percent: 20) { gate.cancel(ticket, now: now) }
    }

    private mutating func pause() {
        let until = now + random.interval(upTo: .seconds(5))
        gate.pause(until: until, now: now)
        model.pause(until: until)
    }

    private mutating func drain() {
        gate.drain(now: now)
        model.drain()
    }

    // MARK: What must hold

    private mutating func finish(_ id: Int) {
        if !finished.insert(id).inserted { complain("\(id) ends twice") }
    }

    private mutating func complain(_ text: String) {
        complaint = complaint ?? text
    }

    /// Takes what the gate decided and compares it with what the model did: grants in order, refusals as a set.
    private mutating func collect() {
        var grants: [Int] = []
        var refusals: [Int: GateRefusal.Reason] = [:]
        for decision in gate.takeDecisions() {
            switch decision {
            case .granted(let ticket, let permit):
                guard let id = tickets.removeValue(forKey: ticket) else { return complain("granted to nobody") }
                grants.append(id)
                permits[id] = permit
            case .refused(let ticket, let refusal):
                guard let id = tickets.removeValue(forKey: ticket) else { return complain("refused to nobody") }
                refusals[id] = refusal.reason
                finish(id)
            }
        }
        var expectedGrants: [Int] = []
        var expectedRefusals: [Int: GateRefusal.Reason] = [:]
        for event in model.events {
            switch event {
            case .granted(let id): expectedGrants.append(id)
            case .timedOut(let id): expectedRefusals[id] = .timedOut
            case .evicted(let id): expectedRefusals[id] = .queueFull
            case .drained(let id): expectedRefusals[id] = .draining
            }
        }
        model.events = []
        if grants != expectedGrants { complain("granted \(grants), in the model \(expectedGrants)") }
        if refusals != expectedRefusals { complain("refused \(refusals), in the model \(expectedRefusals)") }
    }

    mutating func difference() -> String? {
        if let complaint { return complaint + " at \(now)" }
        if gate.waiting != model.waiting.count { return "\(gate.waiting) wait, in the model \(model.waiting.count)" }
        if gate.inFlight != permits.count { return "\(gate.inFlight) in flight of \(permits.count) permits" }
        for attempt in model.attempts {
            let key = permits[attempt.id].flatMap { gate.attempt(of: $0).key } ?? -1
            if key != attempt.key { return "\(attempt.id) has key \(key), in the model \(attempt.key)" }
        }
        for place in 0..<gate.cells.capacity where gate.cells[place].limit >= 0 {
            let cell = gate.cells[place]
            let key = NaiveGate.CellKey(limit: cell.limit, values: cell.values)
            let name = "\(rules.limits[cell.limit].name) \(cell.values)"
            if rules.limits[cell.limit].mode == .observe {
                if cell.inFlight != model.attempts.count { return "\(name): \(cell.inFlight) in flight" }
                continue
            }
            if cell.inFlight > cell.maxInFlight { return "\(name): \(cell.inFlight) in flight" }
            if cell.inFlight != model.inFlight(in: key) { return "\(name): in flight \(cell.inFlight)" }
            let isOfKeys = !rules.limits[cell.limit].keys.isEmpty
            if !isOfKeys, cell.waiting != model.waiting(in: key) { return "\(name): waiting \(cell.waiting)" }
            if cell.underWay != model.underWay[key]?.count ?? 0 { return "\(name): under way \(cell.underWay)" }
            for (var pacer, rate) in zip(cell.pacers, model.rates[key] ?? []) {
                let (real, naive) = (pacer.earliest(for: 1, now: now), max(now, rate.opening))
                if real != naive { return "\(name): opens at \(real), in the model at \(naive)" }
            }
        }
        return nil
    }
}
