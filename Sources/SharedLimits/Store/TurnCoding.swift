import Admission

/// A turn in the words of ``TurnScript``, and its answer from them.
package enum TurnCoding {
    /// The keys of one upstream. They have one hash tag, so that a Redis Cluster keeps them in one place.
    static func keys(of upstream: String, _ turn: SharedTurn) -> [String] {
        let prefix = prefix(of: upstream)
        let room = ["room", "members", "seen", "tags", "line", "want"]
        return (room + turn.cells.map { "cell:\($0.key)" }).map { prefix + $0 }
    }

    /// Where pauses are told.
    static func channel(of upstream: String) -> String { "\(prefix(of: upstream))room" }

    private static func prefix(of upstream: String) -> String {
        "penstock:{\(String(upstream.map { "{}".contains($0) ? "_" : $0 }))}:"
    }

    /// What follows the script's name.
    ///
    /// - Parameters:
    ///   - run: what the server calls itself.
    ///   - clock: the store's time where it is to be another than its own, for tests.
    package static func words(
        _ turn: SharedTurn, upstream: String, replica: String, run: String, clock: StoreTime? = nil
    ) -> [String] {
        let keys = keys(of: upstream, turn)
        var words = ["\(keys.count)"] + keys
        let deadline = turn.deadline.map { "\($0.microseconds)" } ?? ""
        words += [replica, run, turn.epoch, deadline]
        words += ["\(microseconds(turn.promise))", "\(microseconds(SharedTurn.horizon))"]
        words += [clock.map { "\($0.microseconds)" } ?? "", turn.leaves ? "1" : "0", "\(microseconds(turn.pause))"]
        words.append("\(turn.cells.count)")
        for cell in turn.cells { words += self.words(cell) }
        words.append("\(turn.asks.count)")
        for ask in turn.asks { words += self.words(ask) }
        return words
    }

    private static func words(_ cell: SharedTurn.Cell) -> [String] {
        let own = [cell.isOwn ? "1" : "0", "\(microseconds(cell.pause))"]
        switch cell.kind {
        case .paced(let pace, let more, let back, let risk):
            return ["r"] + own
                + numbers([
                    Int(pace.gap.nanoseconds), Int(microseconds(pace.span)), pace.burst, more, back, risk,
                ])
        case .counted(let most, let held): return ["f"] + own + numbers([most, held])
        case .daily(let most, let day, let end, let more, let known):
            return ["d"] + own + numbers([most, Int(day), Int(end.microseconds), more, known])
        case .sliding(let most, let span, let more, let known):
            return ["s"] + own + numbers([most, Int(microseconds(span)), more, known])
        }
    }

    private static func words(_ ask: SharedTurn.Ask) -> [String] {
        [ask.share, "\(ask.step)", "\(ask.cells.count)"] + numbers(ask.cells.map { $0 + 1 })
            + ["\(ask.units.count)"] + ask.units.flatMap(numbers)
    }

    private static func numbers(_ numbers: [Int]) -> [String] { numbers.map { "\($0)" } }

    private static func microseconds(_ length: Interval) -> Int64 { (length.nanoseconds + 999) / 1000 }

    /// What the script tells on ``channel(of:)``: microseconds, and a key where not everything is paused.
    package static func pause(_ message: String, of upstream: String) -> SharedPause? {
        let words = message.split(separator: " ", maxSplits: 1)
        guard let first = words.first, let length = Int64(first), (1...Numbers.longest).contains(length) else {
            return nil
        }
        guard words.count > 1 else { return SharedPause(length: .microseconds(Int(length))) }
        let prefix = prefix(of: upstream) + "cell:"
        guard words[1].hasPrefix(prefix) else { return nil }
        return SharedPause(length: .microseconds(Int(length)), key: String(words[1].dropFirst(prefix.count)))
    }

    /// `nil` for whatever the script would not say to this turn.
    package static func answer(_ value: RESPValue, to turn: SharedTurn) -> SharedAnswer? {
        guard case .array(let values) = value, let epoch = values.first?.text, epoch.utf8.count <= 256 else {
            return nil
        }
        var numbers = Numbers(values.dropFirst())
        guard let now = numbers.next(), let members = numbers.count(), let rank = numbers.count(),
            let absent = numbers.count(), let pause = numbers.length()
        else { return nil }
        var cells: [SharedAnswer.Cell] = []
        for cell in turn.cells {
            guard let answer = numbers.cell(cell.kind) else { return nil }
            cells.append(answer)
        }
        var grants: [SharedAnswer.Grant] = []
        for ask in turn.asks {
            guard let grant = numbers.grant(atMost: ask.units.count) else { return nil }
            grants.append(grant)
        }
        guard numbers.isAtEnd else { return nil }
        return SharedAnswer(
            epoch: epoch, now: StoreTime(microseconds: now), members: members, rank: rank, absent: absent,
            pause: pause, cells: cells, grants: grants)
    }
}

/// The numbers of an answer, one after the other, each within what can be.
private struct Numbers {
    private var rest: ArraySlice<RESPValue>

    /// A day and a bit: nothing that the script says is longer.
    static let longest: Int64 = 200_000_000_000

    init(_ values: ArraySlice<RESPValue>) { rest = values }

    var isAtEnd: Bool { rest.isEmpty }

    /// A point in time: up to the year 2255.
    mutating func next() -> Int64? {
        guard let number = rest.popFirst()?.number, (0...9_000_000_000_000_000).contains(number) else { return nil }
        return number
    }

    mutating func count() -> Int? { next().map { Int($0) } }

    mutating func length() -> Interval? {
        guard let number = next(), number <= Self.longest else { return nil }
        return .microseconds(Int(number))
    }

    mutating func cell(_ kind: SharedTurn.Kind) -> SharedAnswer.Cell? {
        guard let first = count(), let second = count(), let third = count(), let pause = length() else { return nil }
        switch kind {
        case .paced:
            let due = Interval.microseconds(min(first, Int(Self.longest)))
            return SharedAnswer.Cell(kind: .paced(due: due, debt: second, pool: third), pause: pause)
        case .counted: return SharedAnswer.Cell(kind: .counted(held: first, own: second), pause: pause)
        case .daily, .sliding: return SharedAnswer.Cell(kind: .amount(used: first), pause: pause)
        }
    }

    mutating func grant(atMost most: Int) -> SharedAnswer.Grant? {
        guard let count = count(), count <= most else { return nil }
        var delays: [Interval] = []
        for _ in 0..<count {
            // Nothing is given further ahead than it was asked for.
            guard let delay = length(), delay <= SharedTurn.horizon else { return nil }
            delays.append(delay)
        }
        guard let retry = length() else { return nil }
        return SharedAnswer.Grant(delays: delays, retry: retry)
    }
}
