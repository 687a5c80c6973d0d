import Testing

@testable import Admission

@Suite("Limits in tokens")
struct TokenLimitTests {
    /// Long enough to see the next window.
    private static let patient = QueueRules(timeout: .minutes(10))

    private func claim(_ input: Int, _ output: Int? = 0) -> TokenClaim { TokenClaim(input: input, outputBound: output) }

    @Test("what is reserved is charged, and what was not used is given back")
    func reserveAndSettle() {
        var bench = Bench([tokens(1000)], pacing: .burst, queue: Self.patient)
        #expect(bench.ask("a", tokens: claim(200, 700)) == "+")
        #expect(bench.ask("b", tokens: claim(200, 0)) == "…")
        #expect(bench.settle("a", usage: Tokens(input: 200, output: 100), at: .after(.seconds(1))) == ["b"])
    }

    @Test("what was used beyond the reservation counts from when it is known")
    func useMore() {
        var bench = Bench([tokens(1000)], pacing: .burst, queue: Self.patient)
        #expect(bench.ask("a", tokens: claim(100, 0)) == "+")
        bench.settle("a", usage: Tokens(input: 100, output: 800), at: .after(.seconds(30)))
        #expect(bench.ask("b", tokens: claim(300, 0), at: .after(.seconds(31))) == "…")
        #expect(bench.advance(to: .after(.seconds(61))) == [], "the 100 have left the minute, the 800 have not")
        #expect(bench.advance(to: .after(.seconds(91))) == ["b"])
    }

    @Test("input and output have books of their own")
    func separate() {
        var bench = Bench(
            [tokens(1000, of: .inputTokens), tokens(100, of: .outputTokens)], pacing: .burst, queue: Self.patient)
        #expect(bench.ask("a", tokens: claim(900, 50)) == "+")
        #expect(bench.ask("b", tokens: claim(50, 51)) == "…")
        #expect(bench.ask("c", tenant: "u", tokens: claim(0, 0)) == "…", "nobody passes the first in line")
    }

    @Test("a request larger than the finest window's part goes alone and is paid for afterwards")
    func largeRequest() {
        // 100 tokens a second.
        var bench = Bench([tokens(6000)], pacing: .window(.seconds(1)), queue: Self.patient)
        #expect(bench.ask("a", tokens: claim(1000)) == "+")
        #expect(bench.ask("b", tokens: claim(10)) == "…")
        #expect(bench.advance(to: .after(.milliseconds(9800))) == [])
        #expect(bench.advance(to: .after(.milliseconds(10_200))) == ["b"])
    }

    @Test("a request that can never fit is refused at once, and says which limit and how many tokens")
    func neverFits() {
        var bench = Bench([tokens(1000)])
        #expect(bench.ask("a", tokens: claim(1001)) == "-")
        #expect(bench.refusals["a"]?.reason == .neverFits(Tokens(input: 1001, output: 0)))
        #expect(bench.refusals["a"]?.limit?.bound == .rate(Limit.Rate(1000, per: .minutes(1), of: .tokens)))
        #expect(bench.ask("b", tokens: claim(999, 64_000)) == "+", "a large bound is seldom used up")
    }

    @Test(
        "where the provider reserves the bound, the bound counts",
        arguments: [TokenCounting.reservedUsage, .reservation])
    func reservedBound(counting: TokenCounting) {
        var bench = Bench(
            GateRules(limits: [tokens(1000)], pacing: .burst, queue: Self.patient, tokenCounting: counting))
        #expect(bench.ask("a", tokens: claim(100, 901)) == "-")
        #expect(bench.ask("b", tokens: claim(100, 800)) == "+")
        #expect(bench.ask("c", tokens: claim(200, 0)) == "…")
        let granted = bench.settle("b", usage: Tokens(input: 100, output: 10), at: .after(.seconds(1)))
        #expect(granted == (counting == .reservedUsage ? ["c"] : []), "a reservation is never given back")
    }

    @Test("a large request of one tenant waits for its own limit and holds nobody else up")
    func perTenant() {
        var bench = Bench([tokens(1000, per: [.tenant])], pacing: .burst, queue: Self.patient)
        #expect(bench.ask("a1", tenant: "a", tokens: claim(600)) == "+")
        #expect(bench.ask("a2", tenant: "a", tokens: claim(600)) == "…")
        #expect(
            bench.ask("a3", tenant: "a", tokens: claim(100)) == "…", "small ones do not pass a large one of their own")
        #expect(bench.ask("b1", tenant: "b", tokens: claim(600)) == "+")
        #expect(bench.advance(to: .after(.milliseconds(60_020))) == ["a2", "a3"])
    }

    @Test("a large request is not overtaken for ever where many share a limit below the root")
    func noStarvation() {
        let limit = Limit(
            name: "model", match: [Limit.Match(.model, [Glob("m")])],
            terms: Limit.Terms(rates: [Limit.Rate(1000, per: .minutes(1), of: .tokens)]))
        var bench = Bench([limit], pacing: .burst, queue: Self.patient)
        #expect(bench.ask("a", tenant: "a", model: "m", tokens: claim(900)) == "+")
        #expect(bench.ask("large", tenant: "b", model: "m", tokens: claim(1000)) == "…")
        for index in 0..<50 {
            _ = bench.ask(
                "s\(index)", tenant: "c\(index % 5)", model: "m", tokens: claim(30), at: .after(.seconds(index)))
        }
        #expect(bench.permits.keys.sorted() == ["a"], "nobody passes who needs less")
        #expect(bench.advance(to: .after(.milliseconds(60_020))) == ["large"])
    }

    @Test("estimates learn per model what is usual")
    func learning() {
        var bench = Bench([tokens(10_000)], pacing: .burst, queue: Self.patient)
        for index in 0..<200 {
            let now = Instant.after(.minutes(2 * index))
            #expect(bench.ask("q", model: "m", tokens: TokenClaim(input: 100), at: now) == "+")
            bench.settle("q", usage: Tokens(input: 150, output: 50), at: now)
        }
        let known = bench.gate.reserve(for: Ask(identity: Identity(model: "m"), tokens: TokenClaim(input: 100))).tokens
        #expect((140...160).contains(known.input) && (50...70).contains(known.output), "\(known)")
        let other = bench.gate.reserve(for: Ask(identity: Identity(model: "n"), tokens: TokenClaim(input: 100))).tokens
        #expect(other.input == 100 && other.output > 70, "nothing is known of another model")
    }

    @Test("requests without tokens pass limits in tokens")
    func noTokens() {
        var bench = Bench([tokens(10)], pacing: .burst, queue: Self.patient)
        #expect(bench.ask("a", tokens: claim(10)) == "+")
        #expect(bench.ask("b") == "+", "a list of models has none")
    }
}
