import Testing

@testable import ProviderSimulator

@Suite("Limits in tokens and for one model")
struct TokenLimitTests {
    private let path = "/v1/chat/completions"

    private func ledger(_ rules: [String], refused: RefusedRequests = .countNowhere) throws -> Ledger {
        var settings = SimulatorSettings()
        settings.limits = try rules.map { try LimitRule($0) }
        settings.refusedRequests = refused
        return Ledger(settings: settings)
    }

    @Test(
        "agree with a naive list over keys, models and several limits, and so do the peaks",
        arguments: RefusedRequests.allCases, 1...4 as ClosedRange<UInt64>)
    func againstList(refused: RefusedRequests, seed: UInt64) throws {
        let texts = [
            "tokens=90/100ns", "input_tokens=60/100ns", "per_key.output_tokens=25/50ns", "tokens=40/70ns@model=a",
            "requests=9/100ns", "per_key.requests=3/40ns@model=b", "input_tokens=150/300ns:fixed(33ns)",
        ]
        var random = SeededRandom(seed: seed)
        var ledger = try ledger(texts, refused: refused)
        var lists = try texts.map { NaiveList(rule: try LimitRule($0)) }
        var accepted = 0
        var now: Int64 = 0
        for step in 0..<600 {
            // A rest now and then: where refused requests count, nothing gets through otherwise.
            now += Int64.random(in: 0...(step % 10 == 0 ? 400 : 12), using: &random)
            let key = ["x", "y"].randomElement(using: &random) ?? ""
            let weight = Weight(
                model: ["a", "b", nil].randomElement(using: &random) ?? nil,
                inputTokens: .random(in: 0...25, using: &random), outputTokens: .random(in: 0...12, using: &random))
            let allowed = lists.map { $0.allows(weight, key: key, now: now) }
            let arrival = ledger.decide(ledger.arrive(key: key, now: now), weight: weight, now: now)
            let isAllowed = !allowed.contains(false)
            #expect(arrival.verdict.isAccepted == isAllowed, "seed \(seed), step \(step)")
            accepted += isAllowed ? 1 : 0
            for place in lists.indices {
                let counts = isAllowed || refused == .countEverywhere || refused == .countWhereTheyFit && allowed[place]
                lists[place].note(weight, key: key, now: now, isCharged: counts)
            }
            ledger.leave(arrival, status: isAllowed ? 200 : 429, cancelled: false)
        }
        #expect(accepted > 50)
        #expect(ledger.counts.totalViolations == 600 - accepted)
        let peaks = lists.filter(\.rule.bound.isOfTokens).map { ("\($0.rule)", $0.peak) }
        #expect(ledger.counts.windowTokensPeak == Dictionary(uniqueKeysWithValues: peaks))
    }

    @Test("A refusal counted by hand: what was used, what was asked for, and when it would fit")
    func byHand() throws {
        var ledger = try ledger(["tokens=100/60ns", "requests=50/60ns"])
        for (now, tokens) in [(0, 40), (10, 50)] as [(Int64, Int)] {
            let weight = Weight(model: "m", inputTokens: tokens - 1, outputTokens: 1)
            #expect(ledger.decide(ledger.arrive(key: "", now: now), weight: weight, now: now).verdict.isAccepted)
        }
        let weight = Weight(model: "m", inputTokens: 5, outputTokens: 6)
        let refused = ledger.decide(ledger.arrive(key: "", now: 20), weight: weight, now: 20)
        let refusal = try #require(refused.verdict.refusal)
        #expect((refusal.used, refusal.requested, refusal.most, refusal.retryAt ?? 0) == (90, 11, 100, 60))
        #expect(refusal.standings.tokens == Standing(quota: 100, remaining: 10, reset: 50))
        #expect(refusal.standings.requests == Standing(quota: 50, remaining: 48, reset: 50))
        #expect(ledger.counts.violations == ["tokens=100/60ns:sliding": 1, "requests=50/60ns:sliding": 0])
        #expect(ledger.counts.windowTokensPeak == ["tokens=100/60ns:sliding": 101])
        ledger.resetCounts()
        #expect(ledger.counts.windowTokensPeak == ["tokens=100/60ns:sliding": 0])
        #expect(ledger.decide(ledger.arrive(key: "", now: 60), weight: weight, now: 60).verdict.isAccepted)
        // 50 and the 11 that were refused are still within the window: a peak knows what came, not what was allowed.
        #expect(ledger.counts.windowTokensPeak == ["tokens=100/60ns:sliding": 72])
        #expect(
            ledger.counts.prometheus.contains("\nsimulator_window_tokens_peak{rule=\"tokens=100/60ns:sliding\"} 72\n"))
    }

    @Test("A request larger than the whole window is never told to come again, and leaves no trace where none counts")
    func tooLarge() throws {
        var ledger = try ledger(["tokens=100/60ns", "requests=1/1h"])
        let first = ledger.decide(ledger.arrive(key: "", now: 0), weight: Weight(inputTokens: 101), now: 0)
        let refusal = try #require(first.verdict.refusal)
        #expect(refusal.isTooLarge && refusal.retryAt == nil && refusal.requested == 101)
        #expect(
            ledger.decide(ledger.arrive(key: "", now: 0), weight: Weight(inputTokens: 100), now: 0).verdict.isAccepted)
    }

    @Test("An undecided request holds its place in flight until it is refused, has gone or is over")
    func undecided() throws {
        var ledger = try ledger(["in_flight=1", "tokens=10/60ns", "in_flight=1@model=m"])
        let gone = ledger.arrive(key: "", now: 0)
        #expect(!ledger.arrive(key: "", now: 0).verdict.isAccepted)
        #expect(ledger.counts.violations["in_flight=1"] == 1)
        ledger.leave(gone, status: nil, cancelled: true)
        let large = ledger.decide(ledger.arrive(key: "", now: 1), weight: Weight(inputTokens: 11), now: 1)
        #expect(large.verdict.refusal?.isTooLarge == true)
        let weight = Weight(model: "m", inputTokens: 1)
        let held = ledger.decide(ledger.arrive(key: "", now: 2), weight: weight, now: 2)
        #expect(held.verdict.isAccepted)
        #expect(ledger.arrive(key: "", now: 3).verdict.refusal?.rule.description == "in_flight=1")
        ledger.leave(held, status: 200, cancelled: false)
        let next = ledger.decide(ledger.arrive(key: "", now: 4), weight: weight, now: 4)
        #expect(next.verdict.isAccepted, "the model's place is free again too")
    }

    @Test("A limit for one model holds no other, in flight neither")
    func oneModel() throws {
        var ledger = try ledger(["in_flight=1@model=a", "requests=2/60ns@model=a"])
        func arrive(_ model: String?) -> Arrival {
            ledger.decide(ledger.arrive(key: "", now: 0), weight: Weight(model: model), now: 0)
        }
        let first = arrive("a")
        #expect(first.verdict.isAccepted)
        #expect(arrive("a").verdict.refusal.map { "\($0.rule)" } == "in_flight=1@model=a")
        for model in ["b", nil, "a-mini"] { #expect(arrive(model).verdict.isAccepted) }
        ledger.leave(first, status: 200, cancelled: false)
        #expect(arrive("a").verdict.isAccepted)
        #expect(arrive("a").verdict.refusal.map { "\($0.rule)" } == "requests=2/60ns:sliding@model=a")
    }

    @Test(
        "A refusal over the wire reads as the provider's",
        arguments: [
            (
                "tokens=10/60s", "/v1/chat/completions",
                [
                    "for m in organization org-simulated on tokens per min (TPM): Limit 10, Used 9, Requested 9.",
                    "\"type\":\"tokens\"", "\"code\":\"rate_limit_exceeded\"", "retry-after: ",
                    "x-ratelimit-limit-tokens: 10\r\n", "x-ratelimit-remaining-tokens: 1\r\n",
                    "x-ratelimit-reset-tokens: ",
                ]
            ),
            (
                "output_tokens=5/1d@model=m", "/v1/chat/completions",
                ["on output tokens per day (OTPD): Limit 5, Used 4, Requested 4."]
            ),
            (
                "input_tokens=8/60s:bucket", "/v1/messages",
                [
                    "rate_limit_error", "8 input tokens per minute", "anthropic-ratelimit-input-tokens-limit: 8\r\n",
                    "anthropic-ratelimit-tokens-remaining: 3\r\n", "anthropic-ratelimit-input-tokens-reset: 20",
                ]
            ),
        ])
    func wire(rule: String, target: String, parts: [String]) async throws {
        try await withSimulator([rule], configure: { $0.keepsJournal = true }) { simulator in
            let wire = try await Wire.connect(to: simulator)
            try await wire.post(target, chat)
            #expect(await wire.answer().hasPrefix("HTTP/1.1 200 "))
            try await wire.post(target, chat)
            let refusal = await wire.answer()
            #expect(refusal.hasPrefix("HTTP/1.1 429 "))
            for part in parts { #expect(refusal.contains(part), "\(part) in \(refusal)") }
            #expect(simulator.counts.totalViolations == 1)
            let weight = Weight(model: "m", inputTokens: 5, outputTokens: 4)
            let journal = simulator.takeJournal()
            #expect(journal.filter { $0.kind != .left }.map(\.weight) == [weight, weight])
            #expect(journal.map(\.kind) == [.accepted, .left, .refused])
        }
    }

    @Test("What is too large for a limit is told so, without a time to come again")
    func tooLargeOverTheWire() async throws {
        try await withSimulator(["tokens=8/60s"]) { simulator in
            let wire = try await Wire.connect(to: simulator)
            try await wire.post(path, chat)
            let refusal = await wire.answer()
            #expect(refusal.hasPrefix("HTTP/1.1 429 ") && !refusal.contains("retry-after"))
            #expect(refusal.contains("Request too large for m in organization org-simulated on tokens per min (TPM): "))
            #expect(refusal.contains("Limit 8, Requested 9."))
            try await wire.send("GET /_simulator HTTP/1.1\r\nhost: s\r\n\r\n")
            #expect(await wire.answer().contains(#""window_tokens_peak":{"tokens=8/60s:sliding":9}"#))
        }
    }

    @Test("Requests that need no model weigh no tokens, and those that can't be read neither")
    func weightless() async throws {
        try await withSimulator(["tokens=9/1h"]) { simulator in
            let wire = try await Wire.connect(to: simulator)
            for _ in 0..<3 {
                try await wire.send("GET /v1/models HTTP/1.1\r\nhost: s\r\n\r\n")
                #expect(await wire.answer().hasPrefix("HTTP/1.1 200 "))
                try await wire.post(path, "{")
                #expect(await wire.answer().hasPrefix("HTTP/1.1 400 "))
            }
            try await wire.post(path, chat)
            #expect(await wire.answer().contains("x-ratelimit-remaining-tokens: 0\r\n"))
            #expect(simulator.counts.violations == ["tokens=9/1h:sliding": 0])
        }
    }

    @Test("Of many requests at once exactly as many are accepted as their tokens allow")
    func exactUnderConcurrency() async throws {
        try await withSimulator(["tokens=180/1h", "requests=1000/1h"]) { simulator in
            let accepted = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<80 {
                    group.addTask {
                        let wire = try await Wire.connect(to: simulator)
                        try await wire.post("/v1/chat/completions", chat)
                        let answer = await wire.answer()
                        await wire.close()
                        return answer.hasPrefix("HTTP/1.1 200 ")
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(accepted == 20)
            #expect(simulator.counts.windowTokensPeak == ["tokens=180/1h:sliding": 720])
        }
    }
}

/// One rule as its definition says it, from the list of all that came: sliding or fixed windows.
private struct NaiveList {
    let rule: LimitRule
    private var arrivals: [(time: Int64, key: String, amount: Int, isCharged: Bool)] = []
    private(set) var peak = 0

    init(rule: LimitRule) {
        self.rule = rule
    }

    func allows(_ weight: Weight, key: String, now: Int64) -> Bool {
        guard let (amount, quota) = amount(of: weight), amount > 0 else { return true }
        return sum(key: key, now: now) { $0 } + amount <= quota
    }

    mutating func note(_ weight: Weight, key: String, now: Int64, isCharged: Bool) {
        guard let (amount, _) = amount(of: weight) else { return }
        arrivals.append((now, key, amount, isCharged))
        peak = max(peak, sum(key: key, now: now) { _ in true })
    }

    private func amount(of weight: Weight) -> (Int, quota: Int)? {
        if let model = rule.model, model != weight.model { return nil }
        return switch rule.bound {
        case .inFlight: nil
        case .requests(let quota, _, _): (1, quota)
        case .tokens(.input, let quota, _, _): (weight.inputTokens, quota)
        case .tokens(.output, let quota, _, _): (weight.outputTokens, quota)
        case .tokens(.all, let quota, _, _): (weight.inputTokens + weight.outputTokens, quota)
        }
    }

    private func sum(key: String, now: Int64, where isMeant: (Bool) -> Bool) -> Int {
        arrivals.reduce(0) { sum, arrival in
            let isMine = rule.scope == .everyone || arrival.key == key
            return isMine && isMeant(arrival.isCharged) && isWithin(arrival.time, now) ? sum + arrival.amount : sum
        }
    }

    private func isWithin(_ time: Int64, _ now: Int64) -> Bool {
        switch rule.bound {
        case .requests(_, let window, .fixed(let phase)), .tokens(_, _, let window, .fixed(let phase)):
            // Shifted by many whole windows, so that what is before the phase divides alike.
            (time - phase + 1_000 * window) / window == (now - phase + 1_000 * window) / window
        case .requests(_, let window, _), .tokens(_, _, let window, _):
            time > now - window
        case .inFlight: false
        }
    }
}
