import Admission

/// Several gates and the store between them, in virtual time: one seed decides everything.
///
/// Each replica has a clock of its own and a way to the store; every send goes to one provider that sees all of them.
package struct ClusterWorld {
    enum Event {
        case timer(Int)
        case heard(Int, generation: Int, SharedTurn)
        case answered(Int, generation: Int, SharedAnswer, to: Int)
        case told(Int, generation: Int, SharedPause)
        case overdue(Int, generation: Int, number: Int)
        case dial(Int)
        case connected(Int, generation: Int)
        case call(Int)
        case arrive(Int, sentAt: Instant)
        case finish(Int, Permit, caller: Int)
        case fault(Int)
        case storeBegins
        case storeGoesOn
        case heals(Int)
    }

    struct Replica {
        var gate: Gate
        let skew: Interval
        var isAlive = true
        var isCut = false
        /// Of its connection; what belongs to an earlier one is not heard.
        var generation = 0
        var isConnected = false
        var answered = 0
        var armed = Instant.never
        var callers: [Ticket: Int] = [:]
        var atProvider = 0
    }

    let scene: ClusterScene
    package private(set) var store = ModelStore()
    package private(set) var replicas: [Int: Int] = [:]
    private var gates: [Replica] = []
    private var agenda = Agenda<Event>()
    private var random: SplitMix64
    private var isStoreUp = true
    private var isStoreHung = false
    private var heldBack: [Event] = []
    private var runs = 0
    /// Copies of the store as it was, for one that takes over.
    private var copies: [(at: Instant, store: ModelStore)] = []
    private var now = ClusterWorld.start

    /// When the provider saw each send, in order.
    package private(set) var sends: [Instant] = []
    package private(set) var sendsByTenant: [String: Int] = [:]
    package private(set) var sendsByReplica: [Int] = []
    package private(set) var inFlight = 0
    package private(set) var mostInFlight = 0
    package private(set) var waits: [Interval] = []
    package private(set) var turns = 0

    package static let start = Instant(nanoseconds: 1_000_000_000_000)
    private static let patience = Interval.milliseconds(50)

    package init(_ scene: ClusterScene, seed: UInt64) {
        self.scene = scene
        random = SplitMix64(seed: seed)
        store.run = "run-0"
        for index in 0..<scene.replicas {
            let skew = random.interval(upTo: scene.skew * 2) - scene.skew
            let gate = Gate(rules: scene.rules, jitter: scene.jitter, now: Self.start + skew)
            gates.append(Replica(gate: gate, skew: skew))
            agenda.enter(.dial(index), at: Self.start + random.interval(upTo: .milliseconds(50)))
        }
        sendsByReplica = gates.map { _ in 0 }
        for (index, caller) in scene.callers.enumerated() {
            for _ in 0..<caller.backlog { agenda.enter(.call(index), at: Self.start + caller.from) }
        }
        for (index, fault) in scene.faults.enumerated() { agenda.enter(.fault(index), at: Self.start + fault.at) }
    }

    package mutating func run(for length: Interval) {
        let end = now + length
        while agenda.nextInstant <= end, let (instant, event) = agenda.next() {
            now = instant
            handle(event)
        }
        now = end
    }

    /// Lets one replica decide at its own time, and performs what follows.
    private mutating func decide(_ index: Int, _ call: (inout Gate, Instant) -> Void) {
        guard gates[index].isAlive else { return }
        let local = now + gates[index].skew
        call(&gates[index].gate, local)
        if gates[index].isConnected, let turn = gates[index].gate.takeTurn(now: local) { say(turn, index) }
        for decision in gates[index].gate.takeDecisions() {
            switch decision {
            case .granted(let ticket, let permit):
                if let caller = gates[index].callers.removeValue(forKey: ticket) { depart(permit, caller, index) }
            case .refused(let ticket, _):
                if let caller = gates[index].callers.removeValue(forKey: ticket) {
                    agenda.enter(.call(caller), at: now + .milliseconds(100))
                }
            }
        }
        let next = gates[index].gate.nextDeadline
        guard next < .never else { return }
        let due = max(now, next - gates[index].skew)
        if due < gates[index].armed {
            gates[index].armed = due
            agenda.enter(.timer(index), at: due > now ? due : now + Interval(nanoseconds: 1))
        }
    }

    private mutating func handle(_ event: Event) {
        switch event {
        case .timer(let index):
            gates[index].armed = .never
            decide(index) { $0.advance(to: $1) }
        case .call(let caller): call(caller)
        case .arrive(_, let sentAt):
            sends.append(sentAt)
        case .finish(let index, let permit, let caller):
            guard gates[index].isAlive else { return }
            (inFlight, gates[index].atProvider) = (inFlight - 1, gates[index].atProvider - 1)
            decide(index) { $0.settle(permit, now: $1) }
            agenda.enter(.call(caller), at: now)
        case .fault(let place): suffer(scene.faults[place].kind)
        default: handleStore(event)
        }
    }

    private mutating func handleStore(_ event: Event) {
        switch event {
        case .heard(let index, let generation, let turn):
            guard isStoreUp, !gates[index].isCut else { return }
            if isStoreHung { return heldBack.append(event) }
            turns += 1
            let time = StoreTime(microseconds: storeTime)
            guard let answer = store.answer(turn, of: "replica-\(index)", now: time) else { return }
            remember()
            publish(turn)
            agenda.enter(.answered(index, generation: generation, answer, to: turn.number), at: now + way())
        case .answered(let index, let generation, let answer, let number):
            guard gates[index].generation == generation, !gates[index].isCut else { return }
            gates[index].answered = number
            decide(index) { $0.hear(answer, to: number, now: $1) }
        case .told(let index, let generation, let pause):
            guard gates[index].generation == generation, !gates[index].isCut else { return }
            decide(index) { $0.hear(pause, now: $1) }
        case .overdue(let index, let generation, let number):
            if gates[index].generation == generation, gates[index].answered < number { lose(index) }
        case .dial(let index): dial(index)
        case .connected(let index, let generation):
            guard gates[index].generation == generation, gates[index].isAlive else { return }
            gates[index].isConnected = true
            decide(index) { $0.storeFound(now: $1) }
        case .storeBegins:
            isStoreUp = true
        case .storeGoesOn:
            isStoreHung = false
            for event in heldBack { handleStore(event) }
            heldBack = []
        case .heals(let index): gates[index].isCut = false
        default: break
        }
    }

    // MARK: Callers

    private mutating func call(_ caller: Int) {
        let (index, until) = (scene.callers[caller].replica, scene.callers[caller].until)
        guard gates[index].isAlive, now < Self.start + until else { return }
        let ask = Ask(identity: Identity(tenant: scene.callers[caller].tenant))
        var permit: Permit?
        var isRefused = false
        var ticket: Ticket?
        decide(index) { gate, now in
            switch gate.submit(ask, now: now) {
            case .admitted(let granted): permit = granted
            case .waiting(let place, _): ticket = place
            case .refused: isRefused = true
            }
        }
        if let ticket { note(ticket, caller, index) }
        if let permit { depart(permit, caller, index) }
        if isRefused { agenda.enter(.call(caller), at: now + .milliseconds(100)) }
    }

    private mutating func note(_ ticket: Ticket, _ caller: Int, _ index: Int) {
        gates[index].callers[ticket] = caller
    }

    private mutating func depart(_ permit: Permit, _ caller: Int, _ index: Int) {
        let arrival = now + random.interval(upTo: scene.jitter)
        agenda.enter(.arrive(index, sentAt: arrival), at: arrival)
        sendsByTenant[scene.callers[caller].tenant, default: 0] += 1
        sendsByReplica[index] += 1
        (inFlight, gates[index].atProvider) = (inFlight + 1, gates[index].atProvider + 1)
        mostInFlight = max(mostInFlight, inFlight)
        let end = arrival + scene.hold + random.interval(upTo: scene.hold)
        agenda.enter(.finish(index, permit, caller: caller), at: end)
    }

    // MARK: The way to the store

    private var storeTime: Int64 { 1_700_000_000_000_000 + (now - Self.start).nanoseconds / 1000 }

    private mutating func way() -> Interval { scene.storeDelay + random.interval(upTo: scene.storeDelay) }

    private mutating func say(_ turn: SharedTurn, _ index: Int) {
        let generation = gates[index].generation
        agenda.enter(.heard(index, generation: generation, turn), at: now + way())
        agenda.enter(.overdue(index, generation: generation, number: turn.number), at: now + Self.patience)
    }

    /// Whoever listens is told of a pause, also the one who brought it.
    private mutating func publish(_ turn: SharedTurn) {
        var pauses = turn.cells.filter { $0.pause > .zero }.map { SharedPause(length: $0.pause, key: $0.key) }
        if turn.pause > .zero { pauses.append(SharedPause(length: turn.pause)) }
        for pause in pauses {
            for index in gates.indices where gates[index].isConnected {
                agenda.enter(.told(index, generation: gates[index].generation, pause), at: now + way())
            }
        }
    }

    private mutating func dial(_ index: Int) {
        guard gates[index].isAlive else { return }
        guard isStoreUp, !isStoreHung, !gates[index].isCut else {
            return agenda.enter(.dial(index), at: now + random.interval(.milliseconds(20), .milliseconds(400)))
        }
        agenda.enter(.connected(index, generation: gates[index].generation), at: now + way() * 4)
    }

    /// The connection of a replica is of no use any more.
    private mutating func lose(_ index: Int) {
        gates[index].generation += 1
        if gates[index].isConnected {
            gates[index].isConnected = false
            decide(index) { $0.storeLost(now: $1) }
        }
        agenda.enter(.dial(index), at: now + random.interval(.milliseconds(10), .milliseconds(20)))
    }

    /// Keeps copies of the last few seconds where somebody may take over.
    private mutating func remember() {
        guard scene.faults.contains(where: { if case .failOver = $0.kind { true } else { false } }) else { return }
        copies.append((now, store))
        if copies.count > 4000 { copies.removeFirst(2000) }
    }

    private mutating func suffer(_ fault: ClusterScene.Kind) {
        switch fault {
        case .restart(let length):
            isStoreUp = false
            beginAnew()
            store.flush()
            agenda.enter(.storeBegins, at: now + length)
            for index in gates.indices { lose(index) }
        case .hang(let length):
            isStoreHung = true
            agenda.enter(.storeGoesOn, at: now + length)
        case .flush: store.flush()
        case .failOver(let lacking):
            store = copies.last { $0.at + lacking <= now }?.store ?? ModelStore()
            beginAnew()
            for index in gates.indices { lose(index) }
        case .cut(let index, let length):
            gates[index].isCut = true
            agenda.enter(.heals(index), at: now + length)
        case .kill(let index):
            inFlight -= gates[index].atProvider
            gates[index].isAlive = false
        case .pause(let index, let length): decide(index) { $0.pause(until: $1 + length, now: $1) }
        }
    }

    private mutating func beginAnew() {
        runs += 1
        store.run = "run-\(runs)"
    }
}
