import Admission

/// A world in virtual time: callers, one gate, the way to a provider and the provider. One seed decides everything.
///
/// After every event it is checked that the gate's promises hold; the first broken one ends the world.
package struct Rehearsal {
    enum Event {
        case call(caller: Int)
        case overdue(request: Int, wait: Int)
        case connected(request: Int, attempt: Int)
        case depart(request: Int, attempt: Int)
        case arrive(request: Int, attempt: Int)
        case lost(request: Int, attempt: Int)
        case tell(request: Int, attempt: Int)
        case head(request: Int, attempt: Int, Answer)
        case finish(request: Int, attempt: Int, arrivedAt: Instant)
        case giveUp(request: Int)
        case step(Int)
        case checkpoint
        case timer
    }

    /// What a provider's answer begins with.
    enum Answer {
        case success
        case throttled(comeBack: Interval?)
        case overloaded
        case broken
        /// The key is refused.
        case turnedAway
    }

    struct Request {
        let caller: Int
        let identity: Identity
        let submittedAt: Instant
        let deadline: Instant
        let actual: Tokens
        let claim: TokenClaim?
        /// What ``Books`` knows it by.
        var path: Int
        /// The key of the attempt under way or of the last one, or -1.
        var key = -1
        var permit: Permit?
        var ticket: Ticket?
        /// Of the attempt under way or the last one; numbers are given once.
        var attempt = -1
        var attempts = 0
        /// How often it has waited.
        var waits = 0
        var isRepeat = false
        var isPaid = false
        var isJudged = false
        var grantedAt = Instant.never
        var chargedAt = Instant.never
        /// When it was told the instant of its departure.
        var promisedAt = Instant.never
        var isSent = false
        var isAtProvider = false
        var hasEnded = false
        /// What the provider's answer will say of its limits.
        var notice: LimitNotice?
    }

    package internal(set) var gate: Gate
    package internal(set) var findings = Findings()
    let callers: [Caller]
    var upstream: Upstream
    var random: SplitMix64
    var agenda = Agenda<Event>()
    var requests: [Request] = []
    var waiting: [Ticket: Int] = [:]
    var permitsHeld = 0
    var granted = 0
    var settled = 0
    var atProvider = 0
    var atProviderPerTenant: [String: Int] = [:]
    /// How far each caller is in its trace, or the time in its habit's period.
    var progress: [Int]
    var timerAt = Instant.never
    var timersInRow = 0
    var isDraining = false
    /// What the gate was told of the way's unevenness, at most.
    var jitter: Interval
    var now = Rehearsal.start

    let scenario: Scenario
    var books: Books
    var queue: QueueCheck
    var pauses = PauseCheck()
    var keyPauses: KeyPauseCheck
    var breaker: BreakerCheck?
    var fairness: [FairnessCheck]

    package static let start = Instant(nanoseconds: 1_000_000_000_000)
    /// How often the dearer checks run.
    static let checkpoint = Interval.seconds(5)

    package init(rules: GateRules, callers: [Caller], upstream: Upstream, seed: UInt64) {
        self.init(Scenario(rules: rules, callers: callers, upstream: upstream), seed: seed)
    }

    package init(_ scenario: Scenario, seed: UInt64) {
        self.scenario = scenario
        callers = scenario.callers
        upstream = scenario.upstream
        random = SplitMix64(seed: seed)
        jitter = upstream.jitter
        gate = Gate(rules: scenario.rules, jitter: jitter, wallClock: scenario.wallClock, now: Self.start)
        books = Books(scenario.rules)
        books.judgesTokens = scenario.promises.judgesTokens
        queue = QueueCheck(scenario.rules)
        keyPauses = KeyPauseCheck(keys: scenario.rules.keys.count)
        breaker = BreakerCheck(scenario.rules.breaker)
        fairness = FairnessCheck.all(scenario.rules)
        progress = callers.map { _ in 0 }
        for index in callers.indices { enterFirstCalls(of: index) }
        for index in scenario.steps.indices { agenda.enter(.step(index), at: Self.start + scenario.steps[index].at) }
        agenda.enter(.checkpoint, at: Self.start + Self.checkpoint)
    }

    /// Lets the world run for so long.
    package mutating func run(for length: Interval) {
        let end = now + length
        while agenda.nextInstant <= end, findings.complaints.isEmpty, let (instant, event) = agenda.next() {
            findings.slotTime += (instant - now).nanoseconds * Int64(gate.inFlight)
            timersInRow = instant > now ? 0 : timersInRow
            now = instant
            findings.events += 1
            // What is due by itself comes first, and is seen to.
            if gate.nextDeadline <= now {
                gate.advance(to: now)
                perform()
            }
            handle(event)
            perform()
            check()
        }
        findings.slotTime += (end - now).nanoseconds * Int64(gate.inFlight)
        now = end
    }

    private mutating func handle(_ event: Event) {
        switch event {
        case .call(let caller): call(caller)
        case .overdue(let request, let wait): overdue(request, wait)
        case .connected(let request, let attempt): connected(request, attempt)
        case .depart(let request, let attempt): departureDue(request, attempt)
        case .arrive(let request, let attempt): arrive(request, attempt)
        case .lost(let request, let attempt): lost(request, attempt)
        case .tell(let request, let attempt): tell(request, attempt)
        case .head(let request, let attempt, let answer): head(request, attempt, answer)
        case .finish(let request, let attempt, let arrivedAt): finish(request, attempt, arrivedAt)
        case .giveUp(let request): giveUp(request)
        case .step(let index): take(scenario.steps[index].action)
        case .checkpoint: inspect()
        case .timer: turn()
        }
    }

    private mutating func turn() {
        if timerAt <= now { timerAt = .never }
        timersInRow += 1
        if timersInRow > 100_000 { findings.complain("something is due again and again", at: now) }
        gate.advance(to: now)
    }

    private mutating func take(_ action: Scenario.Action) {
        switch action {
        case .replace(let rules): replace(rules)
        case .tellJitter(let told):
            gate.use(jitter: told, now: now)
            jitter = max(jitter, told)
        case .setJitter(let real): upstream.jitter = real
        case .pause(let length):
            gate.pause(until: now + length, now: now)
            pauses.pauseAll(until: now + length)
        case .drain:
            gate.drain(now: now)
            isDraining = true
        }
    }

    private mutating func replace(_ rules: GateRules) {
        gate.replace(rules, now: now)
        // What was sent before arrives a little later.
        books.replace(rules, settlingAt: now + upstream.delay + upstream.jitter)
        for index in requests.indices {
            // Those that have ended may still be on their way or be worked on.
            requests[index].path = books.path(of: requests[index].identity, key: requests[index].key)
            guard !requests[index].hasEnded else { continue }
            if requests[index].permit != nil { books.grant(requests[index].path, isNew: false) }
            if requests[index].ticket != nil { books.wait(requests[index].path) }
        }
        queue.replace(rules)
        fairness = []
    }
}
