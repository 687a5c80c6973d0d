import Admission

/// From the provider back to the caller.
extension Rehearsal {
    mutating func head(_ id: Int, _ attempt: Int, _ answer: Answer) {
        guard isCurrent(id, attempt), let permit = requests[id].permit else { return }
        switch answer {
        case .success:
            let notices = upstream.notices + [requests[id].notice].compactMap { $0 }
            if !notices.isEmpty { gate.noticed(permit, notices, now: now) }
            if random.chance(percent: upstream.tellsUsageEarly) {
                gate.correct(permit, Tokens(input: requests[id].actual.input, output: 1), now: now)
            }
            guard gate.watchesVerdicts else { return }
            gate.answered(permit, now: now)
            judge(id, .answered)
        case .throttled(let comeBack) where requests[id].key >= 0:
            // As long as another key is there, a repetition does not wait for this one.
            let backoff = backoff(id)
            let pause = comeBack ?? backoff - now
            let hasAnother = gate.throttled(permit, comeBack: pause, now: now)
            judge(id, .answered)
            keyPauses.pause(requests[id].key, until: now + pause, now: now)
            let back = hasAnother ? now : comeBack.map { now + $0 } ?? backoff
            repeatAttempt(id, .answered, isFree: comeBack != nil, notBefore: back)
        case .turnedAway:
            findings.turnedAway += 1
            guard gate.refusedKey(of: permit, .exhausted, now: now) else {
                gate.settle(permit, now: now)
                release(id, .answered)
                return end(id, as: \.failed)
            }
            repeatAttempt(id, .answered, isFree: true, notBefore: now)
        case .throttled(let comeBack):
            gate.throttled(permit, comeBack: comeBack, now: now)
            judge(id, .answered)
            if let comeBack { pauses.pause(requests[id].identity, until: now + comeBack, now: now, gate.rules) }
            let back = comeBack.map { now + $0 } ?? backoff(id)
            repeatAttempt(id, .answered, isFree: comeBack != nil, notBefore: back)
        case .overloaded: repeatAttempt(id, .overloaded, isFree: false, notBefore: backoff(id))
        case .broken:
            gate.settle(permit, .failed, now: now)
            release(id, .failed)
            end(id, as: \.failed)
        }
    }

    /// The connection broke before an answer came.
    mutating func lost(_ id: Int, _ attempt: Int) {
        guard isCurrent(id, attempt) else { return }
        repeatAttempt(id, .failed, isFree: false, notBefore: backoff(id))
    }

    mutating func finish(_ id: Int, _ attempt: Int, _ arrivedAt: Instant) {
        let request = requests[id]
        settleAtProvider(request, arrivedAt)
        guard isCurrent(id, attempt), let permit = request.permit else { return }
        let isTold = random.chance(percent: upstream.tellsUsage)
        gate.settle(permit, usage: isTold ? request.actual : nil, now: now)
        if isTold, let used = counted(request) {
            books.settle(request.path, attempt: attempt, used, at: now)
        }
        findings.tokens.input += request.actual.input
        findings.tokens.output += request.actual.output
        release(id, .answered)
        end(id, as: \.served)
    }

    /// What an ended attempt counts for.
    private func counted(_ request: Request) -> Tokens? {
        gate.rules.tokenCounting == .reservation ? nil : request.actual
    }

    /// Providers that hold a whole bound give back what was not used of it.
    private mutating func settleAtProvider(_ request: Request, _ arrivedAt: Instant) {
        guard let bound = request.claim?.outputBound else { return }
        for index in upstream.quotas.indices where upstream.quotas[index].counting == .reservedUsage {
            guard upstream.quotas[index].unit.countsOutput else { continue }
            upstream.quotas[index].enforcement.giveBack(bound - request.actual.output, countedAt: arrivedAt)
        }
        guard gate.rules.tokenCounting == .reservedUsage else { return }
        let spare = bound - request.actual.output
        books.unused(request.path, { $0.countsOutput ? spare : 0 }, arrivedAt: arrivedAt)
    }

    // MARK: Ends of attempts

    mutating func backoff(_ id: Int) -> Instant {
        let backoff = Backoff(base: .milliseconds(500), max: .seconds(30))
        return now + backoff.wait(afterAttempt: max(1, requests[id].attempts), random: random.next())
    }

    mutating func repeatAttempt(
        _ id: Int, _ verdict: Verdict, isFree: Bool, notBefore instant: Instant, wasSent: Bool = true
    ) {
        guard let permit = requests[id].permit else { return }
        let answer =
            requests[id].attempts < Self.attempts
            ? gate.retry(
                permit, verdict, wasSent: wasSent, isFree: isFree, at: instant, deadline: requests[id].deadline,
                now: now) : nil
        guard let answer else {
            if wasSent { gate.settle(permit, verdict, now: now) } else { gate.withdraw(permit, verdict, now: now) }
            release(id, verdict)
            return end(id, as: \.failed)
        }
        // Waits before its slot is given back, so that its job stays under way.
        let path = requests[id].path
        books.wait(path)
        release(id, verdict)
        (requests[id].isRepeat, requests[id].isPaid) = (true, !isFree)
        take(answer, for: id)
        books.waitNoLonger(path)
    }

    /// An attempt is over, for the gate and for the provider.
    mutating func release(_ id: Int, _ verdict: Verdict) {
        let request = requests[id]
        judge(id, verdict, isLate: true)
        requests[id].permit = nil
        permitsHeld -= 1
        settled += 1
        books.end(request.path)
        if request.isSent {
            for index in fairness.indices {
                fairness[index].served(request.identity, request.actual, held: now - request.grantedAt)
            }
        } else {
            findings.withdrawn += 1
            books.uncharge(request.path, attempt: request.attempt)
        }
        guard request.isAtProvider else { return }
        requests[id].isAtProvider = false
        atProvider -= 1
        atProviderPerTenant[request.identity.tenant, default: 0] -= 1
    }

    private mutating func judge(_ id: Int, _ verdict: Verdict, isLate: Bool = false) {
        guard !requests[id].isJudged else { return }
        requests[id].isJudged = true
        breaker?.judge(
            verdict, chargedAt: requests[id].chargedAt, lateSince: isLate ? requests[id].grantedAt : nil, now: now)
    }

    /// Upstream attempts of one request.
    static let attempts = 5
}

extension Limit.Unit {
    var countsOutput: Bool { self == .tokens || self == .outputTokens }
}
