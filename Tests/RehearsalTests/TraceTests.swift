import Admission
import Rehearsal
import Testing

@Suite("Traces")
struct TraceTests {
    private static let text = """
        TIMESTAMP,ContextTokens,GeneratedTokens
        2023-11-16 23:59:58.9799600,4808,10
        2023-11-16 23:59:59.0319600,3180,8
        2023-11-17 00:00:01.5,110,27
        """

    @Test("a trace's times count from its first request, also over midnight")
    func reading() throws {
        let trace = try Trace(Self.text)
        #expect(trace.entries.map(\.at) == [.zero, .milliseconds(52), .nanoseconds(2_520_040_000)])
        #expect(trace.entries.map(\.tokens.input) == [4808, 3180, 110])
        #expect(trace.entries.map(\.tokens.output) == [10, 8, 27])
    }

    @Test(
        "a line that is no request is named",
        arguments: ["2023-11-16 18:17,1,2", "2023-11-16 18:17:03.9,1", "2023-11-16 18:17:03.9,x,2", "1:2:3,1,-2", ""])
    func mistakes(line: String) {
        #expect(throws: Trace.Unreadable(line: 3)) { try Trace("T,C,G\n1:00:00.0,1,1\n\(line)\n2:00:00.0,1,1") }
    }

    @Test("a traced caller sends each request at its time, and its answers take as long as their tokens")
    func rehearsal() throws {
        var caller = Caller(Identity(), .trace(try Trace(Self.text)))
        caller.tokens = Caller.TokenHabit(input: 0...0, output: 0...0)
        var upstream = Upstream()
        upstream.pace = Upstream.Pace(firstByte: .milliseconds(200), perToken: .milliseconds(20))
        let limit = Limit(name: "slots", terms: Limit.Terms(inFlight: 1))
        var rehearsal = Rehearsal(rules: GateRules(limits: [limit]), callers: [caller], upstream: upstream, seed: 1)
        rehearsal.run(for: .seconds(10))
        #expect(rehearsal.findings.complaints.isEmpty)
        #expect(rehearsal.findings.served == 3)
        #expect(rehearsal.findings.tokens == Tokens(input: 8098, output: 45))
        // 200 + 10 · 20 ms, 200 + 8 · 20 ms, 200 + 27 · 20 ms, and at most 50 ms of way for each.
        let held = Interval(nanoseconds: rehearsal.findings.slotTime)
        #expect(held >= .milliseconds(1500) && held <= .milliseconds(1650))
    }
}

extension Interval {
    fileprivate static func nanoseconds(_ count: Int64) -> Interval { Interval(nanoseconds: count) }
}
