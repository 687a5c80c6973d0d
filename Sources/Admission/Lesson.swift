/// What a provider's refusals teach about a limit: down only, and it wears off.
///
/// A provider that refuses what our books allow has lowered the limit for a while, or others share the account. Each
/// refusal takes a tenth, at most once for the attempts that were under way when it came; each minute without one gives
/// a hundredth back.
struct Lesson: Sendable {
    /// How much of the limit is used, in thousandths.
    private(set) var share = RatePacer.whole
    private var takenAt = Instant(nanoseconds: .min)
    /// When the next hundredth comes back.
    private(set) var nextStep = Instant.never

    private static let step = 10
    private static let floor = 100
    private static let clean = Interval.minutes(1)

    /// Attempts sent before the last lesson was taken say nothing new.
    func isNews(sentAt: Instant) -> Bool { sentAt >= takenAt }

    mutating func taken(now: Instant, isExplained: Bool, hint: Interval) {
        takenAt = now + (isExplained ? max(.zero, hint) : max(.seconds(1), hint))
        if !isExplained { share = max(Self.floor, share * 9 / 10) }
        nextStep = share < RatePacer.whole ? takenAt + Self.clean : .never
    }

    /// Gives back what the minutes since allow.
    mutating func wearOff(now: Instant) {
        guard nextStep <= now else { return }
        let steps = 1 + Int((now - nextStep).nanoseconds / Self.clean.nanoseconds)
        share = min(RatePacer.whole, share + Self.step * steps)
        nextStep = share < RatePacer.whole ? nextStep + Self.clean * steps : .never
    }
}
