import Admission

/// After so many hard failures in a row nothing goes for a while, but for attempts that were granted before.
///
/// Knows only failures in a row, so it is for rules by which a share of failures opens nothing.
struct BreakerCheck {
    private let rules: BreakerRules
    private var inRow = 0
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

    mutating func judge(_ verdict: Verdict, chargedAt: Instant, now: Instant) {
        // Whoever had to wait for a connection may be sent while it is open; that says nothing.
        guard !isOpen, chargedAt > openedAt else { return }
        switch verdict {
        case .answered: (inRow, isProbing) = (0, false)
        case .none: break
        case .overloaded, .failed:
            inRow += 1
            guard isProbing || inRow >= rules.failures else { return }
            (openedAt, openUntil) = (now, now + rules.openFor)
            (inRow, isProbing, isOpen) = (0, true, true)
        }
    }
}
