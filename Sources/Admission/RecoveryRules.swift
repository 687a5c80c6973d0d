/// When an attempt is made again.
package struct RetryRules: Hashable, Sendable {
    /// Upstream attempts in all, the first included; 1 or more.
    package var attempts: Int
    /// The wait before the second attempt is drawn from zero to this, twice that before the third, and so on.
    package var backoffBase: Interval
    package var backoffMax: Interval
    package var budget: Budget
    /// Whether to repeat also what the upstream may have processed (a reset before the response head).
    package var unsafe: Bool
    /// Bodies up to this many bytes are kept for a repetition.
    package var maxBody: Int
    /// A provider's hint longer than this is passed to the caller at once instead of waited for.
    package var maxRetryAfter: Interval

    /// How many attempts may be repetitions: a share of the last minute's requests, and at least so many a minute.
    package struct Budget: Hashable, Sendable {
        package var percent: Int
        package var leastPerMinute: Int

        package init(percent: Int = 10, leastPerMinute: Int = 10) {
            self.percent = percent
            self.leastPerMinute = leastPerMinute
        }
    }

    package init(
        attempts: Int = 5, backoffBase: Interval = .milliseconds(500), backoffMax: Interval = .seconds(30),
        budget: Budget = Budget(), unsafe: Bool = false, maxBody: Int = 4 << 20, maxRetryAfter: Interval = .minutes(5)
    ) {
        self.attempts = attempts
        self.backoffBase = backoffBase
        self.backoffMax = backoffMax
        self.budget = budget
        self.unsafe = unsafe
        self.maxBody = maxBody
        self.maxRetryAfter = maxRetryAfter
    }
}

/// When an upstream that fails is left alone for a while.
package struct BreakerRules: Hashable, Sendable {
    /// Hard failures in a row that open the breaker.
    package var failures: Int
    /// Share of failures within ``within`` that opens it, counted from ``ofAtLeast`` attempts on.
    package var percent: Int
    package var ofAtLeast: Int
    package var within: Interval
    package var openFor: Interval

    package init(
        failures: Int = 5, percent: Int = 50, ofAtLeast: Int = 20, within: Interval = .seconds(30),
        openFor: Interval = .seconds(30)
    ) {
        self.failures = failures
        self.percent = percent
        self.ofAtLeast = ofAtLeast
        self.within = within
        self.openFor = openFor
    }
}

/// The range of an in-flight limit that falls on overload answers and grows back.
package struct AdaptiveRules: Hashable, Sendable {
    package var min: Int
    package var max: Int

    package init(min: Int, max: Int) {
        self.min = min
        self.max = max
    }
}
