import Testing

@testable import Admission
@testable import Providers

@Suite("A refusal of the gate")
struct GateRefusalsTests {
    private let limits = [
        Limit(name: "account", terms: Limit.Terms(inFlight: 16)),
        Limit(
            name: "jobs", per: [.tenant],
            terms: Limit.Terms(distinct: Limit.Distinct(atMost: 8, of: [.tenant, .job]))),
    ]
    private let names = [Dimension.tenant: "tenant", .job: "job"]

    private func limit(_ place: Int, _ values: [String], _ bound: GateRefusal.Bound) -> RefusedLimit? {
        let binding = GateRefusal.Binding(limit: place, values: values, bound: bound)
        return RefusedLimit(binding, in: limits) { names[$0] ?? "?" }
    }

    @Test("names the limit with its holders and what it counts")
    func bindings() {
        #expect(limit(0, [], .inFlight(16)) == RefusedLimit(name: "account", bound: .inFlight(16)))
        #expect(
            limit(1, ["acme"], .distinct(8))
                == RefusedLimit(
                    name: "jobs", bound: .distinct(8, of: "job"), holders: [RefusedLimit.Holder("tenant", "acme")]))
        let rate = Limit.Rate(5, per: .seconds(1))
        #expect(limit(0, [], .rate(rate))?.bound == .rate(rate))
        #expect(limit(2, [], .inFlight(1)) == nil)
    }

    @Test(
        "says why in the words of its reason",
        arguments: [
            (GateRefusal.Reason.queueFull, 429, "1000 requests wait already"),
            (.tenantQueueFull, 429, "200 requests of tenant \"acme\" wait already"),
            (.waitTooLong, 429, "the wait would be longer than 5 seconds"),
            (.timedOut, 429, "no turn came within 5 seconds"),
            (.draining, 503, "shutting down"),
        ])
    func reasons(reason: GateRefusal.Reason, status: Int, words: String) {
        let refusal = Refusal.byGate(
            GateRefusal(reason: reason, limit: nil, comeBack: .seconds(3)), limit: limit(0, [], .inFlight(16)),
            rules: QueueRules(), upstream: "api", tenant: "acme", allowed: .seconds(5))
        #expect(refusal.status == status)
        #expect(refusal.message.contains(words))
        #expect(refusal.limit?.name == (reason == .draining ? nil : "account"))
        #expect(refusal.retryAfter == (reason == .draining ? .seconds(1) : .seconds(3)))
    }

    @Test("to a caller that does not wait says that the limit is reached")
    func noWait() {
        let gate = GateRefusal(reason: .waitTooLong, limit: nil, comeBack: .seconds(3))
        let refusal = { (limit: RefusedLimit?) -> Refusal in
            Refusal.byGate(
                gate, limit: limit, rules: QueueRules(), upstream: "api", tenant: "acme", allowed: .zero)
        }
        let named = refusal(limit(0, [], .inFlight(16)))
        #expect(named.message.contains("limit \"account\" (16 requests in flight) is reached; come back in 3 seconds"))
        #expect(refusal(nil).message.contains("the wait would be longer than 0 milliseconds"))
    }

    @Test("says how many tokens never fit, and which upstream is left alone")
    func sizeAndHealth() {
        func refusal(_ reason: GateRefusal.Reason, _ limit: RefusedLimit?) -> Refusal {
            Refusal.byGate(
                GateRefusal(reason: reason, limit: nil, comeBack: .seconds(20)), limit: limit, rules: QueueRules(),
                upstream: "api", tenant: "acme", allowed: .seconds(5))
        }
        let rate = Limit.Rate(1000, per: .minutes(1), of: .inputTokens)
        let size = refusal(.neverFits(Tokens(input: 1500, output: 7)), limit(0, [], .rate(rate)))
        #expect(size.status == 413 && size.message.contains("1500 tokens can never fit") && !size.advisesRetry)
        let health = refusal(.breakerOpen, nil)
        #expect(health.status == 503 && health.error == .destinationUnavailable)
        #expect(health.message.contains("api failed too often") && health.retryAfter == .seconds(20))
    }
}
