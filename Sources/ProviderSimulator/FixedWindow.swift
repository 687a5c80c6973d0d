/// Counts per window of the clock: at each boundary the whole quota is there again, so up to twice the quota passes
/// around one. Azure OpenAI's token limits are "reset each minute" this way, its request limits each 1 s or 10 s.
struct FixedWindow: Sendable {
    private let quota: Int
    private let grid: WindowGrid
    private var index = Int64.min
    private var count = 0

    init(quota: Int, grid: WindowGrid) {
        self.quota = quota
        self.grid = grid
    }

    /// The first instant, `now` or later, at which so many units, 1 to the quota, keep the rule.
    func earliest(for amount: Int = 1, now: Int64) -> Int64 {
        used(now: now) <= quota - amount ? now : grid.start(of: grid.index(at: now) + 1)
    }

    mutating func charge(_ amount: Int = 1, now: Int64) {
        count = used(now: now) + amount
        index = grid.index(at: now)
    }

    /// How many units would be allowed at this instant, one after another.
    func remaining(now: Int64) -> Int {
        max(0, quota - used(now: now))
    }

    /// When the window is as if nothing had ever been sent.
    func rested(now: Int64) -> Int64 {
        used(now: now) == 0 ? now : grid.start(of: grid.index(at: now) + 1)
    }

    private func used(now: Int64) -> Int {
        grid.index(at: now) == index ? count : 0
    }
}

/// Time cut into windows of one length; window 0 starts at the phase.
struct WindowGrid: Hashable, Sendable {
    let window: Int64
    let phase: Int64

    func index(at now: Int64) -> Int64 {
        let offset = now - phase
        // Rounds towards minus infinity: before the phase there are windows too.
        return offset >= 0 ? offset / window : (offset + 1) / window - 1
    }

    func start(of index: Int64) -> Int64 {
        index * window + phase
    }
}
