import Testing

@testable import Admission

@Suite("Limits")
struct LimitTests {
    @Test(
        "a pattern matches whole values",
        arguments: [
            ("gpt-4o*", "gpt-4o-mini", true), ("gpt-4o*", "gpt-4o", true), ("gpt-4o*", "gpt-4", false), ("*", "", true),
            ("", "", true), ("", "a", false), ("a?c", "abc", true), ("a?c", "ac", false), ("*-mini", "o3-mini", true),
            ("*-mini", "o3-mini-high", false), ("a*b*c", "axxbyyc", true), ("a*b*c", "axxbyy", false),
            ("A", "a", false), ("**", "xyz", true), ("*a*a*a*b", String(repeating: "a", count: 2000), false),
        ])
    func glob(pattern: String, value: String, matches: Bool) {
        #expect(Glob(pattern).matches(value) == matches)
    }

    @Test("a limit applies where its conditions hold and every value it is per is known")
    func applies() {
        let match = [Limit.Match(.model, [Glob("m*"), Glob("x")])]
        let limit = Limit(name: "l", match: match, per: [.tenant, .job], terms: Limit.Terms(inFlight: 1))
        #expect(limit.applies(to: Identity(tenant: "t", job: "j", model: "m1")))
        #expect(limit.applies(to: Identity(tenant: "t", job: "j", model: "x")))
        #expect(!limit.applies(to: Identity(tenant: "t", job: "", model: "m1")))
        #expect(!limit.applies(to: Identity(tenant: "t", job: "j", model: "y")))
        let jobs = Limit(name: "j", terms: Limit.Terms(distinct: Limit.Distinct(atMost: 1, of: [.job])))
        #expect(jobs.applies(to: Identity(job: "j")) && !jobs.applies(to: Identity()))
    }

    @Test("an override is for one value of the last dimension")
    func overrides() {
        let limit = Limit(
            name: "l", per: [.tenant, .job], terms: Limit.Terms(inFlight: 1),
            overrides: ["big": Limit.Terms(inFlight: 9)])
        #expect(limit.terms(for: Identity(tenant: "big", job: "small")).inFlight == 1)
        #expect(limit.terms(for: Identity(tenant: "t", job: "big")).inFlight == 9)
    }

    @Test("a dimension that the policy added has the value of its place")
    func added() {
        let identity = Identity(tenant: "t", others: ["eu"])
        #expect(identity[Dimension(rawValue: 5)] == "eu" && identity[Dimension(rawValue: 6)] == "")
        #expect(identity[.tenant] == "t" && identity[.priority] == "normal")
    }

    @Test("far ends of time saturate instead of trapping")
    func saturation() {
        let dawn = Instant(nanoseconds: .min)
        #expect(Instant.never + .seconds(1) == .never && dawn - .seconds(1) == dawn)
        #expect(Instant.never - dawn == .forever && dawn - Instant.never < .zero)
        #expect(Interval.forever * 3 == .forever && Interval.forever + .seconds(1) == .forever)
        #expect(Interval.forever - Interval(nanoseconds: -5) == .forever)
        #expect(
            Interval(nanoseconds: 1).millisecondsRoundedUp == 1 && Interval.milliseconds(1500).secondsRoundedUp == 2)
    }
}
