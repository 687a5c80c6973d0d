import Admission

/// What one decision costs in time and one waiting request in memory.
package enum GateFigures {
    static let decisions = FigureGroup(
        name: "one decision",
        method: "an ask, the end of an attempt, and whom it lets go; median of seven rounds on this machine as it is; "
            + "`scripts/gate-instructions.sh` counts instructions",
        isAlone: true,
        measure: { settings in measure(GateBenchmark.Situation.allCases, settings).flatMap { $0.figures } })

    package struct Costs: Sendable {
        package var situation: GateBenchmark.Situation
        /// Nanoseconds.
        package var decision: Double
        package var cancel: Double?
        /// Bytes per waiting request: of the process, so `nil` where others were measured before.
        package var memory: Double?

        var figures: [Figure] {
            let time = Figure("\(situation): submit and settle", decision, "ns", target: .atMost(1000))
            let others = [
                cancel.map { Figure("\(situation): cancel", $0, "ns", target: .atMost(2000)) },
                memory.map { Figure("\(situation): memory per waiting request", $0, "bytes", target: .atMost(400)) },
            ]
            return [time] + others.compactMap { $0 }
        }
    }

    private static let rounds = 7

    /// Memory is told of the first only: what a later one takes may have been freed by an earlier one.
    package static func measure(_ situations: [GateBenchmark.Situation], _ settings: FigureSettings) -> [Costs] {
        situations.enumerated().map { index, situation in
            cost(of: situation, tellsMemory: index == 0, decisions: 100_000 / settings.haste)
        }
    }

    private static func cost(of situation: GateBenchmark.Situation, tellsMemory: Bool, decisions: Int) -> Costs {
        var benchmark = GateBenchmark(situation)
        let before = ResidentMemory.current()
        benchmark.fill()
        let after = ResidentMemory.current()
        benchmark.decide(decisions)
        var costs = Costs(
            situation: situation, decision: median { nanoseconds(decisions) { benchmark.decide(decisions) } })
        if situation.waiting > 0 {
            var random = SplitMix64(seed: 1)
            let cancels = situation.waiting / 10
            costs.cancel = median {
                benchmark.prepareCancels(cancels, random: &random)
                return nanoseconds(cancels) { benchmark.cancel(cancels) }
            }
        }
        if tellsMemory, let before, let after, situation.waiting > 0 {
            costs.memory = Double(after - before) / Double(situation.waiting)
        }
        return costs
    }

    private static func median(_ round: () -> Double) -> Double {
        percentile(50, of: (0..<rounds).map { _ in round() })
    }

    private static func nanoseconds(_ operations: Int, _ body: () -> Void) -> Double {
        let (seconds, attoseconds) = ContinuousClock().measure(body).components
        return (Double(seconds) * 1e9 + Double(attoseconds) / 1e9) / Double(operations)
    }
}
