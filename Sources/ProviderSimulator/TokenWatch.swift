/// What arrived within the windows of the limits in tokens, whatever the limits said to it: counted apart from them, so
/// that one does not hide the other's mistake.
struct TokenWatch: Sendable {
    private let rules: [LimitRule]
    private var sums: [Owner: WindowSum] = [:]
    /// By the rule's description.
    private(set) var peaks: [String: Int] = [:]

    private struct Owner: Hashable, Sendable {
        var place: Int
        /// `nil` where the rule counts all keys together.
        var key: String?
    }

    init(_ rules: [LimitRule]) {
        self.rules = rules.filter(\.bound.isOfTokens)
        resetPeaks()
    }

    mutating func see(_ weight: Weight, key: String, now: Int64) {
        for (place, rule) in rules.enumerated() where rule.counts(weight) {
            guard case .tokens(_, _, let window, let method) = rule.bound else { continue }
            let owner = Owner(place: place, key: rule.scope == .key ? key : nil)
            let sum = sums[owner, default: WindowSum(window: window, method)].add(
                weight.amount(in: rule.bound), now: now)
            peaks[rule.description] = max(peaks[rule.description] ?? 0, sum)
        }
    }

    /// Peaks begin anew; what is in the windows stays.
    mutating func resetPeaks() {
        for rule in rules { peaks[rule.description] = 0 }
    }
}

/// How much came within the window that ends now.
struct WindowSum: Sendable {
    private let window: Int64
    private let grid: WindowGrid?
    private var arrivals: [(time: Int64, amount: Int)] = []
    private var gone = 0
    private var sum = 0

    init(window: Int64, _ method: LimitRule.Method) {
        self.window = window
        grid = if case .fixed(let phase) = method { WindowGrid(window: window, phase: phase) } else { nil }
    }

    /// Counts and returns the sum, these included.
    mutating func add(_ amount: Int, now: Int64) -> Int {
        while gone < arrivals.count, hasLeft(arrivals[gone].time, now: now) {
            sum -= arrivals[gone].amount
            gone += 1
        }
        if gone > 64, gone > arrivals.count / 2 {
            arrivals.removeFirst(gone)
            gone = 0
        }
        arrivals.append((now, amount))
        sum += amount
        return sum
    }

    private func hasLeft(_ time: Int64, now: Int64) -> Bool {
        guard let grid else { return time + window <= now }
        return grid.index(at: time) < grid.index(at: now)
    }
}
