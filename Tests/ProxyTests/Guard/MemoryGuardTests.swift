import Testing

@testable import Proxy

@Suite("How tight memory is")
struct MemoryGuardTests {
    private static let mebibyte = 1 << 20

    @Test(
        "follows from the share of the bound in use",
        arguments: [
            (0, .calm), (74, .calm), (75, .saving), (84, .saving), (85, .sheddingLow), (90, .sheddingNormal),
            (94, .sheddingNormal), (95, .sheddingAll), (200, .sheddingAll),
        ] as [(Int, GuardLevel)])
    func levels(percent: Int, level: GuardLevel) {
        var memory = MemoryGuard(bound: 100 * Self.mebibyte)
        #expect(memory.look(resident: percent * Self.mebibyte, buffered: 0) == level)
        #expect(memory.level == level)
    }

    @Test(
        "gets better only some way below where it got worse",
        arguments: [
            ([80, 71], .saving), ([80, 70], .saving), ([80, 69], .calm), ([86, 82], .sheddingLow), ([86, 79], .saving),
            ([96, 91], .sheddingAll), ([96, 89], .sheddingNormal), ([96, 10], .calm), ([80, 71, 76, 69], .calm),
        ] as [([Int], GuardLevel)])
    func hysteresis(percents: [Int], level: GuardLevel) {
        var memory = MemoryGuard(bound: 100 * Self.mebibyte)
        for percent in percents { memory.look(resident: percent * Self.mebibyte, buffered: 0) }
        #expect(memory.level == level)
    }

    @Test(
        "counts what was buffered since the last reading",
        arguments: [
            (40, 10, 10, .calm), (40, 10, 44, .calm), (40, 10, 45, .saving), (40, 10, 60, .sheddingNormal),
            (40, 10, 65, .sheddingAll), (40, 10, 0, .calm), (70, 60, 65, .saving),
        ] as [(Int, Int, Int, GuardLevel)])
    func between(resident: Int, before: Int, after: Int, level: GuardLevel) {
        var memory = MemoryGuard(bound: 100 * Self.mebibyte)
        memory.look(resident: resident * Self.mebibyte, buffered: before * Self.mebibyte)
        #expect(memory.look(buffered: after * Self.mebibyte) == level)
    }

    @Test("does not get better between two readings: what was freed may be used by nobody else")
    func noFall() {
        var memory = MemoryGuard(bound: 100 * Self.mebibyte)
        memory.look(resident: 90 * Self.mebibyte, buffered: 60 * Self.mebibyte)
        #expect(memory.look(buffered: 0) == .sheddingNormal)
    }

    @Test("is asked about again exactly when it may have changed", arguments: [0, 30, 74, 75, 80, 89, 94])
    func ceiling(resident: Int) {
        var memory = MemoryGuard(bound: 100 * Self.mebibyte)
        let before = memory.look(resident: resident * Self.mebibyte, buffered: 5 * Self.mebibyte)
        let ceiling = memory.ceiling
        #expect(memory.look(buffered: ceiling - 1) == before)
        #expect(memory.look(buffered: ceiling) > before)
    }

    @Test("can't get worse than worst")
    func worst() {
        var memory = MemoryGuard(bound: 100)
        memory.look(resident: 100, buffered: 0)
        #expect(memory.ceiling == .max)
    }

    @Test(
        "lets the allocator give back what no request needs",
        arguments: [(70, 0, false), (80, 0, true), (80, 29, true), (80, 31, false)])
    func free(resident: Int, buffered: Int, isHeld: Bool) {
        var memory = MemoryGuard(bound: 100 * Self.mebibyte)
        memory.look(resident: resident * Self.mebibyte, buffered: buffered * Self.mebibyte)
        #expect(memory.holdsWhatIsFree == isHeld)
    }
}
