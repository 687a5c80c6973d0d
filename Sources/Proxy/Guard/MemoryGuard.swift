/// How tight memory is, from what the process has and what it knows that it buffers.
///
/// The resident size is read a few times a second; a loopback can bring a hundred megabytes in between. So each reading
/// is taken as the base, and what has been buffered since is added to it. All sizes are in bytes.
struct MemoryGuard: Sendable {
    /// What the process is to stay below.
    let bound: Int
    private(set) var level = GuardLevel.calm
    private var resident = 0
    /// What was buffered when the resident size was read.
    private var buffered = 0

    /// The percentage of the bound at which each level begins. Envoy's overload manager works with the same shape: first
    /// it saves, then it refuses (its edge guide begins at 92 % and refuses at 95 %). Ours begins earlier, because what
    /// callers are sending right now still comes, and high priority is to have room after low has none.
    private static let beginnings: [(level: GuardLevel, percent: Int)] = [
        (.saving, 75), (.sheddingLow, 85), (.sheddingNormal, 90), (.sheddingAll, 95),
    ]
    /// A level that was reached ends so many percent of the bound below its beginning.
    private static let hysteresis = 5

    init(bound: Int) {
        self.bound = bound
    }

    /// Takes a reading of the resident size; the level may rise or fall.
    @discardableResult
    mutating func look(resident: Int, buffered: Int) -> GuardLevel {
        self.resident = resident
        self.buffered = buffered
        let reached = Self.level(at: resident, of: bound, less: 0)
        level = max(reached, min(level, Self.level(at: resident, of: bound, less: Self.hysteresis)))
        return level
    }

    /// More is buffered than at the last reading: the level may rise, never fall.
    @discardableResult
    mutating func look(buffered: Int) -> GuardLevel {
        level = max(level, Self.level(at: resident + max(0, buffered - self.buffered), of: bound, less: 0))
        return level
    }

    /// What may be buffered until ``look(buffered:)`` says something else.
    var ceiling: Int {
        guard let next = Self.beginnings.first(where: { $0.level > level }) else { return .max }
        return buffered + max(0, Self.share(next.percent, of: bound) - resident)
    }

    /// Whether the process holds much that no request needs: then the allocator can be asked to give it back.
    var holdsWhatIsFree: Bool {
        level > .calm && resident - buffered > bound / 2
    }

    private static func level(at used: Int, of bound: Int, less hysteresis: Int) -> GuardLevel {
        beginnings.last { used >= share($0.percent - hysteresis, of: bound) }?.level ?? .calm
    }

    private static func share(_ percent: Int, of bound: Int) -> Int {
        bound / 100 * percent + bound % 100 * percent / 100
    }
}
