import Admission
import Telemetry
import Testing

@testable import Proxy

@Suite("Who is refused")
struct SheddingTests {
    @Test(
        "under pressure is the lowest class first",
        arguments: [
            (.calm, [.high, .normal, .low]), (.saving, [.high, .normal, .low]), (.sheddingLow, [.high, .normal]),
            (.sheddingNormal, [.high]), (.sheddingAll, []),
        ] as [(GuardLevel, [Priority])])
    func classes(level: GuardLevel, passing: [Priority]) {
        for priority in Priority.allCases {
            #expect(Shedding.passes(priority, at: level) == passing.contains(priority))
        }
    }

    @Test(
        "is told the reason that holds for its class",
        arguments: [
            (Shedding(), .low, nil),
            (Shedding(memory: .sheddingLow), .low, .memory),
            (Shedding(memory: .sheddingLow), .normal, nil),
            (Shedding(memory: .sheddingLow, connections: .sheddingNormal), .normal, .connections),
            (Shedding(memory: .saving, loop: .sheddingAll), .high, .loopLag),
            (Shedding(memory: .sheddingAll, loop: .sheddingAll, connections: .sheddingAll), .high, .memory),
            (Shedding(connections: .sheddingNormal), .high, nil),
        ] as [(Shedding, Priority, ShedReason?)])
    func reasons(shedding: Shedding, priority: Priority, reason: ShedReason?) {
        #expect(shedding.reason(against: priority) == reason)
    }
}

@Suite("The lag of a loop")
struct LoopLagTests {
    @Test(
        "counts once it is usual, by the median of five looks",
        arguments: [
            ([], .calm), ([9000, 9000], .calm), ([300, 300, 300], .sheddingLow), ([249, 249, 249, 249], .calm),
            ([800, 0, 800, 0, 800], .sheddingNormal), ([3000, 3000, 3000], .sheddingAll), ([-5, -5, -5], .calm),
            // It ends at half of its beginning.
            ([300, 300, 300, 130, 130, 130], .sheddingLow), ([300, 300, 300, 120, 120, 120], .calm),
            ([800, 800, 800, 300, 300, 300], .sheddingLow), ([9000, 9000, 9000, 0, 0, 0], .calm),
        ] as [([Int], GuardLevel)])
    func levels(lags: [Int], level: GuardLevel) {
        var lag = LoopLag()
        for late in lags { lag.note(late: .milliseconds(late)) }
        #expect(lag.level == level)
    }
}
