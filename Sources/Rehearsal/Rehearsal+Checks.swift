import Admission

/// The gate's decisions for others, and whether its promises hold.
extension Rehearsal {
    mutating func note(_ complaint: String?) {
        if let complaint, findings.complaints.isEmpty { findings.complain(complaint, at: now) }
    }

    mutating func perform() {
        for decision in gate.takeDecisions() {
            switch decision {
            case .granted(let ticket, let permit):
                guard let id = waiting.removeValue(forKey: ticket) else {
                    return findings.complain("a grant for nobody", at: now)
                }
                // Granted first, so that the last of a job to wait does not end the job for a moment.
                requests[id].ticket = nil
                grant(id, permit)
                waitNoLonger(id)
            case .refused(let ticket, let refusal):
                guard let id = waiting.removeValue(forKey: ticket) else {
                    return findings.complain("a refusal for nobody", at: now)
                }
                refuse(id, refusal, isWaiting: true)
            }
        }
        let next = gate.nextDeadline
        if next < timerAt, next < .never {
            timerAt = next
            agenda.enter(.timer, at: max(now, next))
        }
    }

    /// After every event.
    mutating func check() {
        if gate.inFlight != permitsHeld || granted != settled + permitsHeld {
            findings.complain("\(gate.inFlight) permits, \(permitsHeld) held", at: now)
        }
        if gate.waiting != waiting.count { findings.complain("\(gate.waiting) wait, not \(waiting.count)", at: now) }
        findings.peakWaiting = max(findings.peakWaiting, waiting.count)
        if isDraining, gate.waiting > 0 { findings.complain("somebody waits while draining", at: now) }
        let open = requests.count - findings.ended
        if open != waiting.count + permitsHeld { findings.complain("\(open) requests are nowhere", at: now) }
        note(books.complaint)
    }

    // MARK: Checkpoints

    mutating func inspect() {
        agenda.enter(.checkpoint, at: now + Self.checkpoint)
        gate.advance(to: now)
        perform()
        let report = gate.report(now: now)
        perform()
        compare(report)
        checkThatSomethingIsDue(report)
        checkAmplification()
        for index in fairness.indices {
            note(fairness[index].check(now: now))
            findings.unfairness = max(findings.unfairness, fairness[index].worst)
        }
    }

    /// Capacity is conserved: what the gate says is used is what was sent, and what it says is held is held.
    private mutating func compare(_ report: GateReport) {
        for line in report.limits where gate.rules.limits[line.limit].mode == .enforce {
            for cell in line.cells {
                note(
                    books.compare(
                        cell, of: line.limit, isExact: upstream.tellsUsageEarly == 0, now: now, jitter: jitter))
            }
        }
    }

    /// Whoever waits although every limit has room has been forgotten.
    private mutating func checkThatSomethingIsDue(_ report: GateReport) {
        guard gate.waiting > 0, findings.throttled == 0, pauses.isQuiet(now: now), keyPauses.isQuiet(now: now),
            report.adaptiveLimit == nil,
            report.breaker?.isOpen != true
        else { return }
        var asked = Set<Int>()
        for id in waiting.values.sorted() where !requests[id].isRepeat && asked.insert(requests[id].path).inserted {
            guard books.hasRoom(requests[id].path, now: now, jitter: jitter), hasKey(id, report) else { continue }
            findings.complain("request \(id) waits although every limit has room", at: now)
        }
    }

    /// Whether some key has room for a request, or none is to be chosen.
    private mutating func hasKey(_ id: Int, _ report: GateReport) -> Bool {
        guard !report.keys.isEmpty else { return true }
        return report.keys.indices.contains { key in
            guard report.keys[key].fault == nil else { return false }
            let path = books.path(of: requests[id].identity, key: key)
            return books.hasRoom(path, now: now, jitter: jitter)
        }
    }

    /// A provider that fails everything is not asked several times as much as one that works.
    private mutating func checkAmplification() {
        let rules = gate.rules.retryBudget
        let minutes = Int((now - Self.start).nanoseconds / Interval.minutes(1).nanoseconds) + 1
        let most = findings.submitted * rules.percent / 100 + rules.leastPerMinute * minutes
        if findings.paidRepeats > most {
            findings.complain("\(findings.paidRepeats) repetitions of \(findings.submitted) requests", at: now)
        }
    }
}

extension Books {
    mutating func compare(
        _ cell: GateReport.CellReport, of limit: Int, isExact: Bool, now: Instant, jitter: Interval
    ) -> String? {
        compared(cell, of: limit) { rate, used in
            guard !rate.isConserved(used: used, isExact: isExact, now: now, jitter: jitter) else { return nil }
            return "\(used) \(rate.rate.unit.rawValue) count, not \(rate.charged.least) to \(rate.charged.most)"
        }
    }

    /// Whether one more request certainly fits everywhere.
    func hasRoom(_ path: Int, now: Instant, jitter: Interval) -> Bool {
        ties(path).allSatisfy { tie in
            let account = accounts[tie.account]
            if let most = account.terms.inFlight, account.inFlight >= most { return false }
            if let most = account.terms.distinct?.atMost, account.underWay >= most,
                !account.combinations[tie.combination].isUnderWay
            {
                return false
            }
            return account.rates.allSatisfy { $0.hasRoom(now: now, jitter: jitter) }
        }
    }
}
