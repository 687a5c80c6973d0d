/// Cells of limits that all replicas share, and cells that stand for those that wait for such limits.
extension Cell {
    /// When one more may go as far as the store or this replica's part decides; `nil` where neither does.
    mutating func sharedOpening(for tokens: Tokens, now: Instant) -> Instant? {
        if credits != nil { return credits?.opening(now: now) }
        guard let shared else { return nil }
        switch shared.way {
        case .own: return nil
        case .store: return pause.opening(now: now)
        case .part:
            let opening = shared.opening(inFlight: inFlight, units: sharedUnits(of: tokens), now: now)
            return max(opening, pause.opening(now: now))
        }
    }

    mutating func noteSharedCharge(_ tokens: Tokens, at instant: Instant) {
        credits?.take(tokens, now: instant)
        guard shared != nil else { return }
        let units = sharedUnits(of: tokens)
        shared?.charge(units: units, at: instant)
    }

    mutating func noteSharedUncharge(_ tokens: Tokens, at instant: Instant) {
        credits?.restore(tokens, at: instant)
        shared?.uncharge(at: instant)
    }

    /// What was used less comes back only while it is within the window: after that nobody misses it.
    mutating func noteSharedCorrection(_ charged: Tokens, to actual: Tokens, chargedAt: Instant, now: Instant) {
        guard let shared, shared.way == .store, chargedAt >= shared.since else { return }
        for index in pacers.indices {
            let unit = pacers[index].rate.unit
            let more = actual.units(of: unit) - charged.units(of: unit)
            if more > 0 || now - chargedAt < pacers[index].rate.window { self.shared?.add(more, at: index) }
        }
        for index in budgets.indices {
            let unit = budgets[index].rate.unit
            self.shared?.add(actual.units(of: unit) - charged.units(of: unit), at: pacers.count + index)
        }
    }

    /// What is left at the provider says nothing here: what is missing went from other replicas.
    func sharedNotice(_ notice: LimitNotice) -> LimitNotice {
        guard let shared, shared.way != .own else { return notice }
        var notice = notice
        notice.remaining = nil
        return notice
    }

    /// Whether the store has been told all that there is to say of it.
    var isTold: Bool {
        guard credits?.count ?? 0 == 0 else { return false }
        return shared.map { $0.way != .store || $0.toldHeld <= 0 && $0.credited <= 0 } ?? true
    }

    /// Of each rate and then of each budget, whether it is an amount: one that counts over a day or more is no pace, as
    /// in ``RatePacer``.
    var sharedAmounts: [Bool] { pacers.map { $0.rate.window >= .days(1) } + budgets.map { _ in true } }

    /// How much each of them allows.
    var sharedQuotas: [Int] { pacers.map(\.capacity) + budgets.map(\.rate.quota) }

    /// What one request takes, by rate and then by budget.
    func sharedUnits(of tokens: Tokens) -> [Int] {
        pacers.map { min(tokens.units(of: $0.rate.unit), $0.capacity) }
            + budgets.map { min(tokens.units(of: $0.rate.unit), $0.rate.quota) }
    }

    /// The same, as the store is asked for it. Of the tokens of a request the last are paid for when it is sent and the
    /// first were before, so that a window may see one request more than was paid for in it: that much is added.
    func unitsToAsk(of tokens: Tokens) -> [Int] {
        var units = sharedUnits(of: tokens)
        for index in pacers.indices where pacers[index].rate.unit != .requests && !sharedAmounts[index] {
            let (part, whole) = (units[index], pacers[index].capacity)
            units[index] += part * min(part, whole / 2) / max(1, whole - min(part, whole / 2))
        }
        return units
    }

    /// How its rates are spaced over all replicas.
    ///
    /// - Parameter validity: how much later than its instant a send may be.
    func sharedPaces(validity: Interval) -> [SharedPace] { pacers.map { $0.sharedPace(validity: validity) } }
}

extension RatePacer {
    /// One store counts for all, but does not see sends, only the instants that it gave: so no log, and instead of it
    /// a burst is paid back within the window that follows it.
    func sharedPace(validity: Interval) -> SharedPace {
        var rate = rate
        rate.quota = capacity
        // An estimate that was too low is known only when the provider has counted it.
        if rate.unit != .requests { rate.quota = max(1, rate.quota - rate.quota / 40) }
        let window = window ?? rate.window
        let gap = Self.spacing(of: rate, enforcedIn: window, jitter: jitter + validity)
        let span = window + jitter + validity
        let units = Int(span.nanoseconds / max(1, gap.nanoseconds))
        let burst = self.window == nil ? units / 2 : min(Self.part(of: rate, in: window) / 4, units / 2)
        return SharedPace(gap: gap, span: span, burst: burst)
    }
}
