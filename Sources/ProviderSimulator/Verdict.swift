enum Verdict: Sendable {
    /// Some limit has to see the whole request first.
    case undecided
    case accepted(Standings)
    case refused(Refusal)
}

struct Refusal: Sendable {
    /// The limit that did not allow the request.
    var rule: LimitRule
    /// The first instant at which the same request would be accepted if nothing else came or ended; `nil` where only
    /// limits in flight stand against it, and where it never would be.
    var retryAt: Int64?
    var standings = Standings()
    /// The rest is what the limit says of the request; the model is `nil` where nobody looked.
    var model: String?
    /// Units of the limit, as are the next two.
    var requested = 1
    /// What stood against it when it came.
    var used = 0
    /// The most that fits at one time.
    var most = Int.max

    var isTooLarge: Bool { requested > most }
}
