import Admission

/// Coming, waiting and leaving.
extension Rehearsal {
    mutating func enterFirstCalls(of index: Int) {
        switch callers[index].habit {
        case .backlogged(let count):
            for _ in 0..<count { agenda.enter(.call(caller: index), at: now) }
        case .steady, .bursty, .onOff: agenda.enter(.call(caller: index), at: now)
        case .poisson, .clustered: agenda.enter(.call(caller: index), at: now + gap(of: index))
        case .trace(let trace):
            if let first = trace.entries.first { agenda.enter(.call(caller: index), at: now + first.at) }
        }
    }

    mutating func call(_ caller: Int) {
        switch callers[caller].habit {
        case .backlogged: submit(caller)
        case .steady, .poisson, .clustered, .onOff:
            submit(caller)
            agenda.enter(.call(caller: caller), at: now + gap(of: caller))
        case .bursty(let count, let every):
            for _ in 0..<count { submit(caller) }
            agenda.enter(.call(caller: caller), at: now + every)
        case .trace(let trace):
            submit(caller, trace.entries[progress[caller]].tokens)
            progress[caller] += 1
            guard progress[caller] < trace.entries.count else { return }
            agenda.enter(.call(caller: caller), at: Self.start + trace.entries[progress[caller]].at)
        }
    }

    /// Until a caller's next request.
    private mutating func gap(of caller: Int) -> Interval {
        switch callers[caller].habit {
        case .steady(let every): return every / 2 + random.interval(upTo: every)
        case .poisson(let mean): return random.exponential(mean: mean)
        case .clustered(let mean, let variation): return random.gamma(mean: mean, variation: variation)
        case .onOff(let every, let on, let off):
            let place = (now - Self.start).nanoseconds % (on + off).nanoseconds + every.nanoseconds
            return place < on.nanoseconds ? every : Interval(nanoseconds: (on + off).nanoseconds - place) + every
        case .backlogged, .bursty, .trace: return .zero
        }
    }

    private mutating func submit(_ caller: Int, _ recorded: Tokens? = nil) {
        let id = requests.count
        let identity = callers[caller].identity(&random)
        let habit = callers[caller].tokens
        let tokens =
            recorded.map { (habit ?? Caller.TokenHabit(input: 0...0, output: 0...0)).claim(of: $0) }
            ?? habit?.draw(&random)
        requests.append(
            Request(
                caller: caller, identity: identity, submittedAt: now, deadline: now + callers[caller].deadline,
                actual: tokens?.actual ?? .none, claim: tokens?.claim, path: books.path(of: identity)))
        findings.submitted += 1
        if random.chance(percent: callers[caller].cancels) {
            agenda.enter(.giveUp(request: id), at: now + random.interval(upTo: callers[caller].patience))
        }
        let ask = Ask(identity: identity, deadline: requests[id].deadline, tokens: requests[id].claim)
        let before = waiting.count
        take(gate.submit(ask, now: now), for: id)
        // At once, so that who is turned away is judged by what waited then.
        perform()
        if requests[id].ticket != nil { note(queue.entered(identity, before: before)) }
    }

    /// What the gate says to a request or to another attempt.
    mutating func take(_ answer: Submission, for id: Int) {
        switch answer {
        case .admitted(let permit): grant(id, permit)
        case .waiting(let ticket, _):
            requests[id].ticket = ticket
            requests[id].waits += 1
            waiting[ticket] = id
            books.wait(requests[id].path)
            queue.wait(requests[id].identity)
            if !requests[id].isRepeat {
                for index in fairness.indices { fairness[index].wait(requests[id].identity) }
            }
            let deadline = min(requests[id].deadline, now + gate.rules.queue.timeout)
            guard deadline < .never else { return }
            let late = deadline + Interval(nanoseconds: 1)
            agenda.enter(.overdue(request: id, wait: requests[id].waits), at: late)
        case .refused(let refusal): refuse(id, refusal, isWaiting: false)
        }
    }

    mutating func refuse(_ id: Int, _ refusal: GateRefusal, isWaiting: Bool) {
        note(queue.refused(requests[id].identity, refusal.reason, isWaiting: isWaiting))
        if isWaiting { waitNoLonger(id) }
        if refusal.reason == .timedOut, now < min(requests[id].deadline, requests[id].submittedAt) {
            findings.complain("refused before its time", at: now)
        }
        end(id, as: \.refused)
    }

    /// Takes a request out of the books of those that wait.
    mutating func waitNoLonger(_ id: Int) {
        requests[id].ticket = nil
        books.waitNoLonger(requests[id].path)
        queue.waitNoLonger(requests[id].identity)
        guard !requests[id].isRepeat else { return }
        for index in fairness.indices {
            fairness[index].waitNoLonger(requests[id].identity)
            fairness[index].idle(requests[id].identity)
        }
    }

    mutating func overdue(_ id: Int, _ wait: Int) {
        guard requests[id].waits == wait, requests[id].ticket != nil else { return }
        findings.complain("request \(id) waits beyond its deadline", at: now)
    }

    mutating func giveUp(_ id: Int) {
        guard !requests[id].hasEnded else { return }
        if let ticket = requests[id].ticket {
            gate.cancel(ticket, now: now)
            waiting[ticket] = nil
            waitNoLonger(id)
        } else if let permit = requests[id].permit {
            if requests[id].isSent {
                gate.settle(permit, .none, now: now)
            } else {
                gate.withdraw(permit, now: now)
            }
            release(id, .none)
        }
        end(id, as: \.cancelled)
    }

    mutating func end(_ id: Int, as kind: WritableKeyPath<Findings, Int>) {
        if requests[id].hasEnded { findings.complain("request \(id) ends twice", at: now) }
        requests[id].hasEnded = true
        findings[keyPath: kind] += 1
        // Who is refused comes back a little later, who is served at once.
        guard case .backlogged = callers[requests[id].caller].habit else { return }
        let rest = kind == \Findings.served ? Interval.zero : .milliseconds(100)
        agenda.enter(.call(caller: requests[id].caller), at: now + rest)
    }
}
