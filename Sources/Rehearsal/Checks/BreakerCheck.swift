import Admission

/// After so many hard failures in a row nothing goes for a while, but for attempts that were granted before.
///
/// Knows only failures in a row, so it is for rules by which a share of failures opens nothing.
struct BreakerCheck {
    private let rules: BreakerRules
    private var inRow = 0
    /// When the first failure of the row was told.
    private var failingSince = Instant(nanoseconds: .min)
    private var openedAt = Instant(nanoseconds: .min)
    private var openUntil = Instant(nanoseconds: .min)
    private var isOpen = false
    private var isProbing = false

    init?(_ rules: BreakerRules?) {
        guard let rules, rules.ofAtLeast >= 1_000_000 else { return nil }
        self.rules = rules
    }

    mutating func granted(now: Instant) -> String? {
        guard now >= openUntil else { return "granted while the breaker is open" }
        isOpen = false
        return nil
    }

    /// - Parameter lateSince: when the attempt was granted, where this is told at its end: what had begun before the
    ///   failures says nothing of them.
    mutating func judge(_ verdict: Verdict, chargedAt: Instant, lateSince: Instant?, now: Instant) {
        // Whoever had to wait for a connection may be sent while it is open; that says nothing.
        guard !isOpen, chargedAt > openedAt else { return }
        switch verdict {
        case .answered:
            if !isProbing, let lateSince, lateSince < failingSince { return }
            (inRow, isProbing) = (0, false)
        case .none: break
        case .overloaded, .failed:
            if inRow == 0 { failingSince = now }
            inRow += 1
            guard isProbing || inRow >= rules.failures else { return }
            (openedAt, openUntil) = (now, now + rules.openFor)
            (inRow, isProbing, isOpen) = (0, true, true)
        }
    }
}
