import Testing

@testable import Telemetry

@Suite("The names that stand in a label")
struct TopNamesTests {
    private let second: Int64 = 1_000_000_000

    @Test("are all that come, while there is room")
    func room() {
        var names = TopNames(capacity: 3)
        #expect(names.note("a", now: 0) == .init(label: "a", slot: 0))
        #expect(names.note("b", now: 0) == .init(label: "b", slot: 1))
        #expect(names.note("a", now: 0) == .init(label: "a", slot: 0))
        #expect(names.note("c", now: 0) == .init(label: "c", slot: 2))
        #expect(names.note("d", now: 0) == .init(label: "other", slot: 3))
    }

    @Test("are never other itself, nor very long", arguments: ["other", String(repeating: "x", count: 129)])
    func neverNamed(name: String) {
        var names = TopNames(capacity: 3)
        #expect(names.note(name, now: 0) == .init(label: "other", slot: 3))
        #expect(names.label(of: name) == "other")
        #expect(names.remembered == 0)
    }

    @Test("change when a newcomer is more than twice as active as the least active one")
    func promotion() {
        var names = TopNames(capacity: 2)
        for _ in 0..<10 { _ = names.note("busy", now: 0) }
        for _ in 0..<3 { _ = names.note("idle", now: 0) }
        let answers = (0..<7).map { _ in names.note("new", now: 0) }
        #expect(answers.dropLast().allSatisfy { $0.label == "other" && $0.evicted == nil })
        #expect(answers.last == .init(label: "new", slot: 1, evicted: "idle"))
        #expect(names.label(of: "idle") == "other")
        #expect(names.label(of: "busy") == "busy")
    }

    @Test("do not change for a name that came fewer than four times, however idle the others")
    func hysteresis() {
        var names = TopNames(capacity: 1)
        _ = names.note("old", now: 0)
        let later = 100_000 * second
        _ = names.note("warm up the clock", now: 0)
        #expect((0..<3).allSatisfy { _ in names.note("new", now: later).label == "other" })
        #expect(names.note("new", now: later) == .init(label: "new", slot: 0, evicted: "old"))
    }

    @Test("are forgotten at the half-life's pace")
    func decay() {
        var names = TopNames(capacity: 1, halfLifeSeconds: 10)
        for _ in 0..<64 { _ = names.note("old", now: 0) }
        for _ in 0..<100 { #expect(names.note("new", now: 9 * second).label == "other") }
        // Two half-lives: 16 to 25, then the newcomer needs 33.
        for _ in 0..<7 { #expect(names.note("new", now: 20 * second).label == "other") }
        #expect(names.note("new", now: 20 * second).evicted == "old")
    }

    @Test("take a free place when asked for, without being counted")
    func labelTakesFreePlace() {
        var names = TopNames(capacity: 1)
        #expect(names.label(of: "a") == "a")
        #expect(names.label(of: "b") == "other")
        for _ in 0..<3 { _ = names.note("b", now: 0) }
        #expect(names.note("b", now: 0).evicted == "a", "asking for a label is not a use")
    }

    @Test("stay bounded, and stay the right ones, under a million names that come once")
    func flood() {
        var names = TopNames(capacity: 100)
        var random = SplitMix(seed: 7)
        var mostRemembered = 0
        var evictions = 0
        for step in 0..<1_000_000 {
            let name = step % 10 == 0 ? "regular-\(step / 10 % 50)" : "\(random.next())"
            if names.note(name, now: Int64(step) * 1_000_000).evicted != nil { evictions += 1 }
            mostRemembered = max(mostRemembered, names.remembered)
        }
        #expect(mostRemembered <= 1_100)
        #expect((0..<50).allSatisfy { names.label(of: "regular-\($0)") != "other" })
        #expect(evictions <= 100, "once a regular has its place, nobody pushes it out")
    }

    @Test("are the same for the same calls")
    func deterministic() {
        func run() -> [TopNames.Place] {
            var names = TopNames(capacity: 5, halfLifeSeconds: 1)
            var random = SplitMix(seed: 42)
            return (0..<5_000).map { names.note("\(random.next() % 40)", now: Int64($0) * 10_000_000) }
        }
        #expect(run() == run())
    }
}

/// A small seeded generator (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
private struct SplitMix {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
