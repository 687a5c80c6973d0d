import Testing

@testable import ProviderSimulator

@Suite("Enforcement of several limits")
struct EnforcementTests {
    private let second: Int64 = 1_000_000_000

    private func enforcement(_ rules: [String], refused: RefusedRequests = .countNowhere) throws -> Enforcement {
        Enforcement(rules: try rules.map { try LimitRule($0) }, refused: refused)
    }

    @Test("A refused request leaves no trace where it counts nowhere")
    func allOrNothing() throws {
        var limits = try enforcement(["requests=2/1s:sliding", "requests=3/10s:sliding"])
        #expect(limits.arrive(key: "", now: 0).isAccepted)
        #expect(limits.arrive(key: "", now: 0).isAccepted)
        for _ in 0..<5 { #expect(!limits.arrive(key: "", now: 10).isAccepted) }
        #expect(limits.arrive(key: "", now: second).isAccepted)
        let refusal = try #require(limits.arrive(key: "", now: second).refusal)
        #expect(refusal.retryAt == 10 * second)
        #expect("\(refusal.rule)" == "requests=3/10s:sliding")
    }

    @Test("A refused request uses up the limits that had room where each counts for itself")
    func whereTheyFit() throws {
        var limits = try enforcement(
            ["requests=1/1s:sliding", "requests=3/10s:sliding"], refused: .countWhereTheyFit)
        #expect(limits.arrive(key: "", now: 0).isAccepted)
        #expect(limits.arrive(key: "", now: 1).refusal?.retryAt == second)
        // The third unit of the longer window goes to a request that the shorter one refuses.
        #expect(limits.arrive(key: "", now: 2).refusal?.retryAt == 10 * second)
        #expect(!limits.arrive(key: "", now: second).isAccepted)
    }

    @Test("A failed request counts everywhere as at OpenAI, so hammering never gets through")
    func everywhere() throws {
        var limits = try enforcement(["requests=2/1s:sliding"], refused: .countEverywhere)
        var accepted = 0
        for step in 0..<100 where limits.arrive(key: "", now: Int64(step) * second / 10).isAccepted { accepted += 1 }
        #expect(accepted == 2)
        #expect(limits.arrive(key: "", now: 11 * second).isAccepted)
    }

    @Test(
        "A retry at the told instant is accepted, one nanosecond earlier is not",
        arguments: [
            "requests=5/1s:sliding", "requests=5/1s:fixed", "requests=5/1s:fixed(300ms)", "requests=5/1s:bucket",
            "requests=5/1s:bucket(200ms)", "requests=5/1s:counter", "requests=7/3s:counter(1s)", "requests=1/1ns",
        ], RefusedRequests.allCases)
    func retry(rule: String, refused: RefusedRequests) throws {
        var random = SeededRandom(seed: 3)
        var limits = try enforcement([rule, "requests=11/4s:sliding"], refused: refused)
        var now: Int64 = 0
        for _ in 0..<300 {
            now += Int64.random(in: 0...400_000_000, using: &random)
            guard let refusal = limits.arrive(key: "", now: now).refusal else { continue }
            let retryAt = try #require(refusal.retryAt)
            #expect(retryAt > now)
            // Tried on copies, because a refused try may be charged.
            var early = limits
            #expect(retryAt - 1 == now || !early.arrive(key: "", now: retryAt - 1).isAccepted)
            var punctual = limits
            #expect(punctual.arrive(key: "", now: retryAt).isAccepted)
        }
    }

    @Test(
        "Places in flight are never more than allowed, and free again at once", arguments: 1...8 as ClosedRange<UInt64>)
    func inFlight(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var limits = try enforcement(["in_flight=7", "per_key.in_flight=3"])
        var held: [String] = []
        for step in 0..<3_000 {
            if Bool.random(using: &random), let place = held.indices.randomElement(using: &random) {
                limits.leave(key: held.remove(at: place), model: nil)
            } else {
                let key = "key-\(Int.random(in: 0...3, using: &random))"
                let verdict = limits.arrive(key: key, now: Int64(step))
                let hasRoom = held.count < 7 && held.count { $0 == key } < 3
                #expect(verdict.isAccepted == hasRoom, "seed \(seed), step \(step)")
                if verdict.isAccepted { held.append(key) }
                if !hasRoom { #expect(verdict.refusal?.retryAt == nil) }
            }
        }
    }

    @Test("A limit per key counts each key for itself")
    func perKey() throws {
        var limits = try enforcement(["per_key.requests=1/1s", "requests=3/1s"])
        #expect(limits.arrive(key: "a", now: 0).isAccepted)
        #expect(limits.arrive(key: "a", now: 0).refusal?.rule.scope == .key)
        #expect(limits.arrive(key: "b", now: 0).isAccepted)
        #expect(limits.arrive(key: "", now: 0).isAccepted)
        #expect(limits.arrive(key: "c", now: 0).refusal?.rule.scope == .everyone)
    }

    @Test("A refusal names the rate that lasts longest, in flight only where nothing else is closed")
    func naming() throws {
        var limits = try enforcement(["in_flight=1", "requests=1/1s", "requests=1/9s"])
        #expect(limits.arrive(key: "", now: 0).isAccepted)
        #expect(limits.arrive(key: "", now: 0).refusal.map { "\($0.rule)" } == "requests=1/9s:sliding")
        let refusal = try #require(limits.arrive(key: "", now: 9 * second).refusal)
        #expect("\(refusal.rule)" == "in_flight=1")
        #expect(refusal.retryAt == nil)
        #expect(refusal.standings.requests?.remaining == 1)
    }

    @Test("The rate nearest to its end is shown")
    func standing() throws {
        var limits = try enforcement(["requests=500/60s:bucket", "requests=4/10s", "in_flight=9"])
        guard case .accepted(let standings) = limits.arrive(key: "", now: 0) else {
            Issue.record("refused from rest")
            return
        }
        #expect(standings == Standings(requests: Standing(quota: 4, remaining: 3, reset: 10 * second)))
        var none = try enforcement(["in_flight=9"])
        guard case .accepted(let nothing) = none.arrive(key: "", now: 0) else {
            Issue.record("refused from rest")
            return
        }
        #expect(nothing == Standings(), "a limit in flight has no standing")
    }
}

extension Verdict {
    var isAccepted: Bool {
        if case .accepted = self { return true }
        return false
    }

    var refusal: Refusal? {
        if case .refused(let refusal) = self { return refusal }
        return nil
    }
}
