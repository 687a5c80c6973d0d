import Admission
import Rehearsal
import Testing

/// The checkers must be able to fail: senders that do less than ``RatePacer`` are found out.
@Suite("Ways of counting a rate")
struct RateEnforcementTests {
    private static let quota = 600

    private func violations(of sends: [Instant], _ method: RateEnforcement.Method) -> Int {
        var enforcement = RateEnforcement(method, perMinute: Self.quota)
        return sends.filter { !enforcement.admits(at: $0) }.count
    }

    private func evenly(_ count: Int, every spacing: Interval, jitter: Interval = .zero) -> [Instant] {
        var random = SplitMix64(seed: 1)
        return (0..<count).map { Rehearsal.start + spacing * $0 + random.interval(upTo: jitter) }
    }

    static let methods: [RateEnforcement.Method] = [
        .slidingLog, .slidingCounter, .tokenBucket(.seconds(60)), .tokenBucket(.seconds(1)),
        .fixedWindow(.seconds(60), phase: .seconds(17)), .fixedWindow(.seconds(10), phase: .seconds(3)),
        .fixedWindow(.seconds(1), phase: .milliseconds(400)),
    ]

    @Test("sends at 99 % without jitter are within every rate", arguments: methods)
    func withinRate(_ method: RateEnforcement.Method) {
        #expect(violations(of: evenly(3000, every: .microseconds(101_010)), method) == 0)
    }

    @Test("two quotas in one minute are too many for every method", arguments: methods)
    func twiceTheRate(_ method: RateEnforcement.Method) {
        #expect(violations(of: evenly(2400, every: .milliseconds(50)), method) > 500)
    }

    @Test("the whole quota at once is too much for whoever counts finely")
    func wholeQuotaAtOnce() {
        let sends = Array(repeating: Rehearsal.start, count: Self.quota)
        #expect(violations(of: sends, .slidingLog) == 0)
        #expect(violations(of: sends, .fixedWindow(.seconds(1), phase: .zero)) == 590)
        #expect(violations(of: sends, .tokenBucket(.seconds(1))) == 590)
    }

    @Test("a bucket as deep as the quota lets twice the quota through in its first minute")
    func deepBucket() {
        let sends = Array(repeating: Rehearsal.start, count: 600) + evenly(600, every: .milliseconds(100))
        #expect(violations(of: sends, .slidingLog) > 550)
    }

    @Test("spacing at exactly the rate breaks seconds when sends are jittered")
    func exactSpacing() {
        let sends = evenly(6000, every: .milliseconds(100), jitter: .milliseconds(10)).sorted()
        #expect(violations(of: sends, .fixedWindow(.seconds(1), phase: .milliseconds(995))) > 0)
    }
}
