import Admission

/// The provider of a rehearsal and the way to it.
package struct Upstream: Sendable {
    package var rates: [RateEnforcement]
    /// Whether it answers 429 where its rates are exceeded, or only counts.
    package var throttles: Bool
    /// What it then says about coming back.
    package var retryAfter: Interval
    package var delay: Interval
    /// Added to the delay, anew for each request.
    package var jitter: Interval
    package var shortest: Interval
    package var longest: Interval

    package init(
        rates: [RateEnforcement] = [], throttles: Bool = false, retryAfter: Interval = .seconds(1),
        delay: Interval = .milliseconds(15), jitter: Interval = .milliseconds(10),
        shortest: Interval = .milliseconds(200), longest: Interval = .milliseconds(200)
    ) {
        self.rates = rates
        self.throttles = throttles
        self.retryAfter = retryAfter
        self.delay = delay
        self.jitter = jitter
        self.shortest = shortest
        self.longest = longest
    }
}
