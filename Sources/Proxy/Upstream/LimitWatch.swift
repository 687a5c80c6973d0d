import Admission
import NIOHTTP1
import Policy
import Providers
import Synchronization

/// Looks at an upstream's answers for what they say of the provider's limits, and lets pass only what may change
/// something: nearly all answers say that there is plenty, and the gate need not be asked for that.
final class LimitWatch: Sendable {
    private let reader: LimitReader
    private let rates: [Limit.Rate]
    /// Whether the provider has ever named a smaller limit than the rules: then all that it says is of interest.
    private let isAlert = Atomic(false)
    /// Until then answers are not looked at, in nanoseconds: one has just said that there is plenty.
    private let restsUntil = Atomic(Int64.min)

    /// Answers of one moment say the same. The way to a provider takes longer, so nothing is learned later for it.
    private static let rest = Interval.milliseconds(10)

    /// `nil` where no limit of ours may be the provider's own, or its answers are not to be heeded.
    init?(_ profile: ProviderProfile, _ rules: GateRules) {
        rates = rules.accountRates
        guard profile.heedsLimitHeaders, !rates.isEmpty else { return nil }
        reader = LimitReader(profile.limitHeaders)
    }

    func notices(in headers: HTTPHeaders, now: Instant) -> [LimitNotice] {
        guard now.nanoseconds >= restsUntil.load(ordering: .relaxed) else { return [] }
        var fields: [(name: String, value: String)] = []
        for (name, value) in headers where reader.mayRead(name) { fields.append((name, value)) }
        if fields.isEmpty { return [] }
        let notices = reader.read(fields, date: headers.first(name: "date"), now: Worker.wallTime)
        if notices.contains(where: isNews) { return notices }
        if !notices.isEmpty, !isAlert.load(ordering: .relaxed) {
            restsUntil.store((now + Self.rest).nanoseconds, ordering: .relaxed)
        }
        return []
    }

    private func isNews(_ notice: LimitNotice) -> Bool {
        for rate in rates where rate.unit == notice.unit && rate.window == notice.window {
            let limit = notice.limit ?? rate.quota
            if limit < rate.quota { isAlert.store(true, ordering: .relaxed) }
            if isAlert.load(ordering: .relaxed) || (notice.remaining ?? .max) <= limit / 2 { return true }
        }
        return false
    }
}
