import Admission

/// Finds limits that can never hold anything back, because one for all requests of the upstream is at least as tight.
struct IdleLimits {
    let findings: Findings
    private let limits: [ReadLimit]

    init(_ limits: [ReadLimit], findings: Findings) {
        // What is only observed neither makes another limit idle nor is expected to act.
        self.limits = limits.filter { $0.limit.mode == .enforce }
        self.findings = findings
    }

    func check() {
        for index in limits.indices {
            checkInFlight(index)
            checkRates(index)
        }
    }

    private func checkInFlight(_ index: Int) {
        let section = limits[index].section
        guard let inFlight = limits[index].limit.terms.inFlight, let field = section["in_flight"] else { return }
        for (other, limit) in limitsForAll {
            guard let bound = limit.terms.inFlight else { continue }
            guard bound < inFlight || bound == inFlight && yields(index, to: other) else { continue }
            field.warning("`in_flight: \(inFlight)` never holds anything back: `\(limit.name)` allows \(bound) in all")
            return
        }
    }

    private func checkRates(_ index: Int) {
        for rate in limits[index].limit.terms.rates {
            guard let field = limits[index].section[rate.unit.rawValue] else { continue }
            for (other, limit) in limitsForAll {
                let tighter = limit.terms.rates.first { bound in
                    bound == rate ? yields(index, to: other) : Self.keeping(bound, keeps: rate)
                }
                guard let tighter else { continue }
                field.warning(
                    "`\(field.key): \(Units.text(rate))` never holds anything back: "
                        + "`\(limit.name)` allows \(Units.text(tighter)) in all")
                break
            }
        }
    }

    private var limitsForAll: [(index: Int, limit: Limit)] {
        limits.indices.map { ($0, limits[$0].limit) }.filter { isForAll($0.1) }
    }

    private func isForAll(_ limit: Limit) -> Bool {
        limit.per.isEmpty && limit.match.isEmpty
    }

    /// Of two equal bounds the one for all requests holds; of two for all, the earlier.
    private func yields(_ index: Int, to other: Int) -> Bool {
        index != other && (other < index || !isForAll(limits[index].limit))
    }

    private static func keeping(_ bound: Limit.Rate, keeps rate: Limit.Rate) -> Bool {
        guard bound.unit == rate.unit else { return false }
        let windows = (rate.window.nanoseconds - 1) / bound.window.nanoseconds + 1
        let (most, overflow) = bound.quota.multipliedReportingOverflow(by: Int(windows))
        return !overflow && most <= rate.quota
    }
}
