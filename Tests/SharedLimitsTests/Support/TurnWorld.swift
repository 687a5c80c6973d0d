import Admission
import Rehearsal
import SharedLimits

/// Random turns of a few replicas, as they might come.
struct TurnWorld {
    private var random: SplitMix64
    private var now: Int64 = 1_700_000_000_000_000
    private var epochs: [String: String] = [:]
    private var held: [String: Int] = [:]

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    mutating func flushes() -> Bool { chance(1) }

    mutating func next(_ number: Int) -> (turn: SharedTurn, replica: String, now: StoreTime) {
        now +=
            chance(2)
            ? Int64.random(in: 0...20_000_000_000, using: &random)
            : chance(5)
                ? Int64.random(in: 0...20_000_000, using: &random) : Int64.random(in: 0...60_000, using: &random)
        let replica = "r\(Int.random(in: 0..<4, using: &random))"
        let pace = SharedPace(gap: .milliseconds(40), span: .seconds(10), burst: 60)
        let own = SharedPace(gap: .milliseconds(90), span: .milliseconds(1010), burst: 2)
        let tenant = "t\(Int.random(in: 0..<3, using: &random))"
        func length(_ percent: Int, _ most: Int) -> Interval {
            chance(percent) ? .milliseconds(Int.random(in: 1...most, using: &random)) : .zero
        }
        var kinds: [SharedTurn.Kind] = [
            .paced(
                pace, more: chance(10) ? Int.random(in: -5...5, using: &random) : 0, back: chance(5) ? 2 : 0,
                risk: 20_000),
            .counted(most: 16, held: max(0, (held[replica] ?? 0) - (chance(60) ? 1 : 0))),
        ]
        if case .counted(_, let count) = kinds[1] { held[replica] = count }
        kinds.append(.paced(own, more: 0, back: 0, risk: 2000))
        kinds.append(.daily(most: 500, day: 7, end: StoreTime(microseconds: now + 3_000_000), more: 0, known: 0))
        kinds.append(.sliding(most: 300, span: .seconds(86_401), more: chance(5) ? -1 : 0, known: chance(50) ? 40 : 0))
        let names = ["account", "account-slots", "own-\(tenant)", "day", "rolling"]
        let cells = kinds.indices.map { index in
            SharedTurn.Cell(key: names[index], isOwn: index == 2, pause: length(1, 300), kind: kinds[index])
        }
        let units = (0..<Int.random(in: 0...4, using: &random)).map { _ in [1, 1, 1, 1, 1] }
        // Who leaves asks for nothing.
        let leaves = chance(2)
        let asks =
            units.isEmpty || leaves
            ? []
            : [
                SharedTurn.Ask(
                    share: tenant, step: Int64.random(in: 1...90_000_000, using: &random), cells: [0, 1, 2, 3, 4],
                    units: units)
            ]
        let promise: Interval = chance(50) ? .milliseconds(100) : .milliseconds(500)
        let turn = SharedTurn(
            number: number, epoch: epochs[replica] ?? "",
            deadline: chance(50) ? StoreTime(microseconds: now + 50_000) : nil, promise: promise, pause: length(1, 500),
            cells: cells,
            asks: asks, leaves: leaves)
        return (turn, replica, StoreTime(microseconds: now))
    }

    mutating func hear(_ answer: SharedAnswer, _ replica: String) {
        epochs[replica] = answer.epoch
        if case .counted(_, let own) = answer.cells[1].kind { held[replica] = own }
    }
}

extension SharedTurn {
    /// A turn that asks for so many at once that all need every cell.
    static func one(
        _ number: Int, _ kinds: [Kind], items: Int, epoch: String = "", share: String = "t"
    ) -> SharedTurn {
        let cells = kinds.enumerated().map { Cell(key: "cell-\($0)", isOwn: false, pause: .zero, kind: $1) }
        let units = Array(repeating: kinds.map { _ in 1 }, count: items)
        let ask = Ask(share: share, step: 1_000_000, cells: Array(kinds.indices), units: units)
        return SharedTurn(
            number: number, epoch: epoch, promise: .milliseconds(500), pause: .zero, cells: cells,
            asks: items > 0 ? [ask] : [])
    }
}
