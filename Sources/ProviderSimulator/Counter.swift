/// The state of one rule.
enum Counter: Sendable {
    case inFlight(held: Int, most: Int)
    case log(SlidingLog, quota: Int)
    case fixed(FixedWindow, quota: Int)
    case bucket(TokenBucket, quota: Int)
    case sliding(SlidingCounter, quota: Int)

    init(_ bound: LimitRule.Bound) {
        switch bound {
        case .inFlight(let most):
            self = .inFlight(held: 0, most: most)
        case .requests(let quota, let window, let method), .tokens(_, let quota, let window, let method):
            self.init(quota: quota, window: window, method)
        }
    }

    private init(quota: Int, window: Int64, _ method: LimitRule.Method) {
        switch method {
        case .slidingLog:
            self = .log(SlidingLog(quota: quota, window: window), quota: quota)
        case .fixed(let phase):
            self = .fixed(FixedWindow(quota: quota, grid: WindowGrid(window: window, phase: phase)), quota: quota)
        case .bucket(let burst):
            self = .bucket(TokenBucket(quota: quota, window: window, burst: burst), quota: quota)
        case .counter(let phase):
            self = .sliding(SlidingCounter(quota: quota, grid: WindowGrid(window: window, phase: phase)), quota: quota)
        }
    }

    /// The most units that fit at one time when nothing has been counted.
    var most: Int {
        switch self {
        case .inFlight(_, let most): most
        case .log(_, let quota), .fixed(_, let quota), .sliding(_, let quota): quota
        case .bucket(let bucket, _): bucket.most
        }
    }

    /// Whether so many units, 1 or more, are not allowed.
    func isClosed(for amount: Int = 1, now: Int64) -> Bool {
        if case .inFlight(let held, let most) = self { return held >= most }
        return earliest(for: amount, now: now) != now
    }

    /// The first instant, `now` or later, at which so many units, 1 or more, are allowed; `nil` where they never are,
    /// and for a limit in flight, which opens when some other request ends.
    func earliest(for amount: Int = 1, now: Int64) -> Int64? {
        if amount > most { return nil }
        return switch self {
        case .inFlight: nil
        case .log(let counter, _): counter.earliest(for: amount, now: now)
        case .fixed(let counter, _): counter.earliest(for: amount, now: now)
        case .bucket(let counter, _): counter.earliest(for: amount, now: now)
        case .sliding(let counter, _): counter.earliest(for: amount, now: now)
        }
    }

    /// Counts the units of one request; a place in flight is taken only by one that is accepted.
    mutating func charge(_ amount: Int = 1, now: Int64, accepted: Bool) {
        switch self {
        case .inFlight(let held, let most):
            if accepted { self = .inFlight(held: held + 1, most: most) }
        case .log(var counter, let quota):
            // The copy in `self` goes first: a log that is shared would be copied whole at each charge.
            self = .inFlight(held: 0, most: 0)
            counter.charge(amount, now: now)
            self = .log(counter, quota: quota)
        case .fixed(var counter, let quota):
            counter.charge(amount, now: now)
            self = .fixed(counter, quota: quota)
        case .bucket(var counter, let quota):
            counter.charge(amount, now: now)
            self = .bucket(counter, quota: quota)
        case .sliding(var counter, let quota):
            counter.charge(amount, now: now)
            self = .sliding(counter, quota: quota)
        }
    }

    /// Gives back a place in flight; rates keep what they counted.
    mutating func release() {
        guard case .inFlight(let held, let most) = self else { return }
        precondition(held > 0, "a place is given back once")
        self = .inFlight(held: held - 1, most: most)
    }

    func standing(now: Int64) -> Standing? {
        switch self {
        case .inFlight: nil
        case .log(let log, let quota):
            Standing(quota: quota, remaining: log.remaining(now: now), reset: log.rested(now: now) - now)
        case .fixed(let window, let quota):
            Standing(quota: quota, remaining: window.remaining(now: now), reset: window.rested(now: now) - now)
        case .bucket(let bucket, let quota):
            Standing(quota: quota, remaining: bucket.remaining(now: now), reset: bucket.rested(now: now) - now)
        case .sliding(let counter, let quota):
            Standing(quota: quota, remaining: counter.remaining(now: now), reset: counter.rested(now: now) - now)
        }
    }
}
