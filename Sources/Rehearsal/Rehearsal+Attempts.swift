import Admission

/// From a permit to the provider.
extension Rehearsal {
    func isCurrent(_ id: Int, _ attempt: Int) -> Bool {
        requests[id].attempt == attempt && requests[id].permit != nil
    }

    mutating func grant(_ id: Int, _ permit: Permit) {
        granted += 1
        permitsHeld += 1
        if isDraining { findings.complain("granted while draining", at: now) }
        note(breaker?.granted(now: now))
        for index in fairness.indices { fairness[index].granted(inFlight: permitsHeld) }
        requests[id].permit = permit
        requests[id].attempt = granted
        requests[id].attempts += 1
        (requests[id].grantedAt, requests[id].chargedAt, requests[id].promisedAt) = (now, now, now)
        (requests[id].isJudged, requests[id].isSent) = (false, false)
        useKey(id, permit)
        books.grant(requests[id].path)
        books.charge(requests[id].path, attempt: granted, requests[id].actual, at: now)
        guard random.chance(percent: upstream.connects) else { return send(id) }
        agenda.enter(
            .connected(request: id, attempt: granted), at: now + random.interval(upTo: upstream.connecting))
    }

    private mutating func useKey(_ id: Int, _ permit: Permit) {
        guard let key = gate.key(of: permit) else { return }
        requests[id].key = key
        requests[id].path = books.path(of: requests[id].identity, key: key)
    }

    /// A connection is there, or turns out not to be had.
    mutating func connected(_ id: Int, _ attempt: Int) {
        guard isCurrent(id, attempt), let permit = requests[id].permit else { return }
        guard !random.chance(permille: upstream.unconnected) else {
            guard random.chance(percent: 50) else {
                return repeatAttempt(id, .failed, isFree: false, notBefore: backoff(id), wasSent: false)
            }
            gate.withdraw(permit, now: now)
            release(id, .none)
            return end(id, as: \.failed)
        }
        depart(id, permit)
    }

    private mutating func depart(_ id: Int, _ permit: Permit) {
        let departure = gate.depart(permit, now: now)
        requests[id].chargedAt = departure
        requests[id].promisedAt = now
        let attempt = requests[id].attempt
        let path = requests[id].path
        useKey(id, permit)
        if requests[id].path == path {
            books.charge(path, attempt: attempt, requests[id].actual, at: departure, isMoved: true)
        } else {
            books.grant(requests[id].path, isNew: false)
            books.end(path)
            books.uncharge(path, attempt: attempt)
            books.charge(requests[id].path, attempt: attempt, requests[id].actual, at: departure)
        }
        if departure > now {
            agenda.enter(.depart(request: id, attempt: attempt), at: departure)
        } else {
            send(id)
        }
    }

    /// The instant has come that the gate named, unless a pause has been set meanwhile.
    mutating func departureDue(_ id: Int, _ attempt: Int) {
        guard isCurrent(id, attempt), let permit = requests[id].permit else { return }
        if gate.pausedUntil > now { depart(id, permit) } else { send(id) }
    }

    mutating func send(_ id: Int) {
        let request = requests[id]
        noteSend(id)
        note(pauses.sent(request.identity, promisedAt: request.promisedAt, now: now, gate.rules))
        note(keyPauses.sent(request.key, promisedAt: request.promisedAt, now: now))
        if let permit = request.permit, gate.key(of: permit) ?? -1 != request.key {
            findings.complain("the key has changed between departure and sending", at: now)
        }
        books.sent(request.path, at: now)
        requests[id].isSent = true
        let arrival = now + upstream.delay + random.interval(upTo: upstream.jitter)
        guard random.chance(permille: upstream.faults.losses) else {
            return agenda.enter(.arrive(request: id, attempt: request.attempt), at: arrival)
        }
        // Half of what is lost has been there, and counts.
        if random.chance(percent: 50) { agenda.enter(.arrive(request: id, attempt: request.attempt), at: arrival) }
        let notice = arrival + upstream.delay + random.interval(upTo: .seconds(1))
        agenda.enter(.lost(request: id, attempt: request.attempt), at: notice)
    }

    private mutating func noteSend(_ id: Int) {
        let request = requests[id]
        let tenant = request.identity.tenant
        findings.sends += 1
        findings.sendsPerTenant[tenant, default: 0] += 1
        if request.key >= 0 { findings.sendsPerKey[request.key, default: 0] += 1 }
        findings.lastSend = now
        if request.isRepeat { findings.repeats += 1 }
        if request.isPaid { findings.paidRepeats += 1 }
        let wait = now - request.submittedAt
        if wait > findings.longestWait[tenant] ?? .zero { findings.longestWait[tenant] = wait }
    }

    /// Counts whether or not its caller still waits for it.
    mutating func arrive(_ id: Int, _ attempt: Int) {
        let request = requests[id]
        let counting = gate.rules.tokenCounting
        books.arrived(request.path, { request.units(of: $0, counting) }, at: now)
        let answer = judge(request)
        guard isCurrent(id, attempt) else { return }
        requests[id].isAtProvider = true
        atProvider += 1
        atProviderPerTenant[request.identity.tenant, default: 0] += 1
        findings.peakAtProvider = max(findings.peakAtProvider, atProvider)
        let own = atProviderPerTenant[request.identity.tenant, default: 0]
        findings.peakPerTenant = max(findings.peakPerTenant, own)
        let back = upstream.delay + random.interval(upTo: upstream.jitter)
        guard case .success = answer else {
            return agenda.enter(.head(request: id, attempt: attempt, answer), at: now + .milliseconds(5) + back)
        }
        var (first, rest) = service(request)
        if random.chance(percent: callers[request.caller].slowReads) {
            rest = rest + random.interval(upTo: callers[request.caller].slowness)
        }
        if let telling = upstream.tells {
            let moment = telling.at == .arrival ? now : now + first
            agenda.enter(.tell(request: id, attempt: attempt), at: moment)
        }
        agenda.enter(.head(request: id, attempt: attempt, answer), at: now + first + back)
        agenda.enter(.finish(request: id, attempt: attempt, arrivedAt: now), at: now + first + rest + back)
    }

    /// Takes down where the first rate stands, for the answer to tell.
    mutating func tell(_ id: Int, _ attempt: Int) {
        guard let telling = upstream.tells, !upstream.rates.isEmpty, isCurrent(id, attempt) else { return }
        requests[id].notice = upstream.rates[0].notice(at: now, as: telling.refill)
    }

    /// Until the head, and from there to the end.
    private mutating func service(_ request: Request) -> (first: Interval, rest: Interval) {
        if let pace = upstream.pace { return (pace.firstByte, pace.perToken * request.actual.output) }
        let whole =
            upstream.isLongTailed
            ? random.longTailed(shortest: upstream.shortest) : random.interval(upstream.shortest, upstream.longest)
        return (whole / 4, whole - whole / 4)
    }

    // MARK: The provider

    private mutating func judge(_ request: Request) -> Answer {
        let faults = upstream.faults
        if faults.outage?.covers(now) == true || random.chance(permille: faults.overloads) { return .overloaded }
        if random.chance(permille: faults.breaks) { return .broken }
        if request.key >= 0, upstream.keys[request.key].isRefused?.covers(now) == true { return .turnedAway }
        guard !admits(request) else { return .success }
        findings.throttled += 1
        findings.lastThrottled = now
        if let most = scenario.promises.throttles, findings.throttled > most {
            findings.complain("the provider had to say slow down \(findings.throttled) times", at: now)
        }
        guard upstream.throttles else { return .success }
        return .throttled(comeBack: random.chance(percent: upstream.hintless) ? nil : upstream.retryAfter)
    }

    private mutating func admits(_ request: Request) -> Bool {
        var admits = true
        if let reduction = upstream.reduction { reduce(reduction.at.covers(now) ? reduction.share : 100) }
        for index in upstream.rates.indices where !upstream.rates[index].admits(at: now) {
            findings.violations[upstream.rates[index].method, default: 0] += 1
            admits = false
        }
        if request.key >= 0 {
            for index in upstream.keys[request.key].rates.indices
            where !upstream.keys[request.key].rates[index].admits(at: now) {
                findings.violations[upstream.keys[request.key].rates[index].method, default: 0] += 1
                admits = false
            }
        }
        for index in upstream.quotas.indices {
            let units = request.units(of: upstream.quotas[index].unit, upstream.quotas[index].counting)
            if !upstream.quotas[index].enforcement.admits(units, at: now) { admits = false }
        }
        if upstream.ramp != nil, upstream.ramp?.admits(at: now) == false { admits = false }
        return admits
    }

    private mutating func reduce(_ share: Int) {
        for index in upstream.rates.indices { upstream.rates[index].share = share }
        for index in upstream.quotas.indices { upstream.quotas[index].enforcement.share = share }
    }
}

extension Rehearsal.Request {
    /// What its arrival takes of a limit: what it will have used (a provider that looks ahead is the strictest), or what
    /// it may use at most.
    func units(of unit: Limit.Unit, _ counting: TokenCounting) -> Int {
        let output = counting == .usage ? actual.output : claim?.outputBound ?? actual.output
        return switch unit {
        case .requests: 1
        case .tokens: actual.input + output
        case .inputTokens: actual.input
        case .outputTokens: output
        }
    }
}
