import Admission
import NIOCore
import NIOHTTP1
import Policy
import Providers

/// An exchange that was asked for and is not begun: what it knows of its request, and what the gate answers to it.
struct AskedExchange {
    private let exchange: Exchange
    private let fields: RequestFields
    private let route: Router.Route
    private let claim: TokenClaim?
    private let modelInHead: Bool
    private let streams: Bool?
    private let policy: Policy

    private var service: UpstreamService { route.service }
    private var upstream: Upstream { route.service.upstream }
    private var identity: Identity { exchange.identity }

    init(_ exchange: Exchange, _ fields: RequestFields, _ route: Router.Route, body: [UInt8]?, under policy: Policy) {
        self.exchange = exchange
        self.policy = policy
        self.fields = fields
        self.route = route
        modelInHead = !exchange.identity.model.isEmpty
        let bytes = body ?? []
        if let reading = exchange.reading {
            // In parts, as a body comes.
            for start in stride(from: 0, to: bytes.count, by: 64 << 10) where !reading.isEnded {
                reading.take(ByteBuffer(bytes: bytes[start..<min(start + 64 << 10, bytes.count)]))
            }
        }
        claim = exchange.takeReading()
        var peek = RequestPeek()
        peek.read(bytes.span)
        peek.finish()
        streams =
            exchange.wantsTunnel
            ? nil : route.service.profile.request.streams(target: exchange.head.uri, body: peek.stream.value)
    }

    func explanation(of request: String) -> Explanation {
        let now = exchange.record.begunAt
        let ask = Ask(identity: identity, deadline: exchange.callerDeadline, tokens: claim)
        let (submission, _, terms) = service.gate.submit(ask, from: exchange.waiter, now: now)
        let report = service.gate.report(cells: 1, tenants: 0, explains: false).report
        switch submission {
        case .admitted(let permit): service.gate.withdraw(permit, now: now)
        case .waiting(let ticket, _): service.gate.cancel(ticket, now: now)
        case .refused(let refusal):
            let refusal = service.refusal(
                RefusedAsk(refusal: refusal, terms: terms), tenant: identity.tenant,
                allowed: longestWait(now: now).length)
            return Explanation(
                request: request, verdict: .refused(refusal), way: way(report, isAdmitted: false, now: now))
        }
        return Explanation(request: request, verdict: .goes, way: way(report, isAdmitted: true, now: now))
    }

    /// - Parameter report: of the gate that knows of nothing but this request.
    private func way(_ report: GateReport, isAdmitted: Bool, now: Instant) -> Explanation.Way {
        let (longest, source) = longestWait(now: now)
        let about = zip(upstream.gate.limits, report.limits)
        return Explanation.Way(
            upstream: upstream.name, reason: reason, target: target, key: key,
            withheld: fields.all.map(\.name).filter(exchange.worker.identity.withholds), names: names,
            streams: streams, tokens: claim, countsTokens: service.countsTokens,
            limits: about.compactMap { limit, report in report.cells.first.map { held(limit, $0, isAdmitted) } },
            others: about.compactMap { limit, report in
                report.cells.isEmpty ? Explanation.Passed(name: limit.name, reason: absence(of: limit)) : nil
            },
            line: upstream.gate.fairness.levels.map { level in
                Explanation.Place(
                    level: service.terms.dimensions.name(of: level), value: identity[level],
                    weight: upstream.gate.fairness.weight(of: identity[level], in: level))
            },
            longestWait: longest, waitSource: source, timeouts: upstream.timeouts.text, retry: upstream.retry.text)
    }

    // MARK: Where to

    private var reason: String {
        switch route.way {
        case .listener: "the address that it came in at is its own"
        case .prefix: "the path begins with its prefix \(upstream.prefix)"
        case .host: "the Host field names it"
        case .fallback: "no prefix matches, and it is the default"
        case .forwardProxy: exchange.wantsTunnel ? "the tunnel is to its host" : "the URL names its host"
        }
    }

    private var target: String {
        if case .connect = exchange.tunnel { return "a tunnel to \(route.target)" }
        let url = upstream.url
        var target = exchange.head.uri
        if let parameter = service.profile.credential.queryParameter, let mark = target.firstIndex(of: "?") {
            let pairs = target[target.index(after: mark)...].split(separator: "&").map { pair in
                pair.prefix { $0 != "=" } == parameter ? "\(parameter)=***" : String(pair)
            }
            target = target[...mark] + pairs.joined(separator: "&")
        }
        return "\(url.isTLS ? "https" : "http")://\(url.authority)" + (target == "*" ? "" : target)
    }

    private var key: String {
        if exchange.wantsTunnel, exchange.tunnel == .connect { return "whatever is sent through the tunnel" }
        if let credential = upstream.credential { return credential.source.place }
        if !upstream.credentials.isEmpty {
            return "whichever has room of \(upstream.credentials.map(\.name).joined(separator: ", "))"
        }
        let own = fingerprint
        return own.isEmpty ? "none: the request has none, and the upstream has no `credential`" : "the caller's, \(own)"
    }

    private var fingerprint: String {
        var fingerprints = Fingerprints()
        return fingerprints.fingerprint(in: fields, target: exchange.target, service.profile.credential)
    }

    // MARK: Who

    private var names: [Explanation.Name] {
        let dimensions = service.terms.dimensions
        return dimensions.names.indices.map { index in
            let dimension = Dimension(rawValue: index)
            let value = identity[dimension]
            let source: String =
                switch dimension {
                case .model: modelSource
                case .credential: service.needsCredential ? "the request's key" : "not looked at: nothing goes by it"
                default: self.source(of: dimension)
                }
            return Explanation.Name(name: dimensions.names[index], value: value, source: source)
        }
    }

    private func source(of dimension: Dimension) -> String {
        let reader = exchange.worker.identity
        if let source = reader.source(of: dimension, in: fields, fingerprint: { fingerprint }) { return source.text }
        let sources = policy.identity.sources(of: dimension).map(\.text)
        return "no value from \(sources.joined(separator: ", "))"
    }

    private var modelSource: String {
        if modelInHead { return "the path" }
        if !service.needsModel { return "not looked at: no limit depends on it" }
        return identity.model.isEmpty ? "no `model` in the body" : "the body"
    }

    // MARK: Limits

    /// - Parameter cell: the one that the gate counts the request in.
    private func held(_ limit: Limit, _ cell: GateReport.CellReport, _ isAdmitted: Bool) -> Explanation.Held {
        let terms = limit.terms(for: identity)
        let used = terms.rates.map { rate in cell.rates.first { $0.rate == rate }?.used }
        let takes = (terms.inFlight == nil ? [] : [1]) + used + (terms.distinct == nil ? [] : [1])
        let bounds = CheckTable(policy).bounds(terms, upstream.gate.pacing)
        return Explanation.Held(
            name: limit.name, key: zip(limit.per, cell.values).map { (service.terms.dimensions.name(of: $0), $1) },
            isOverridden: limit.per.last.map { limit.overrides[identity[$0]] != nil } ?? false,
            isObserved: limit.mode == .observe,
            bounds: zip(bounds, takes).map { bound, takes in
                Explanation.Bound(text: bound.bound, pacing: bound.pacing, takes: isAdmitted ? takes : nil)
            })
    }

    /// Why a limit is not about the request.
    private func absence(of limit: Limit) -> String {
        for condition in limit.match
        where !condition.patterns.contains(where: { $0.matches(identity[condition.dimension]) }) {
            let patterns = condition.patterns.map { "`\($0.pattern)`" }.joined(separator: " or ")
            let name = service.terms.dimensions.name(of: condition.dimension)
            let value = identity[condition.dimension]
            return "it is for the \(name) \(patterns)" + (value.isEmpty ? "; there is none" : ", not `\(value)`")
        }
        let needed = limit.per + (limit.terms.distinct?.of ?? [])
        let missing = needed.filter { identity[$0].isEmpty }.map { service.terms.dimensions.name(of: $0) }
        return "the request has no \(missing.joined(separator: " and no "))"
    }

    // MARK: Waiting

    private func longestWait(now: Instant) -> (length: Interval, source: String) {
        let timeout = upstream.gate.queue.timeout
        let announced = exchange.callerDeadline - now
        guard announced < timeout else { return (timeout, "queue.timeout") }
        let field = fields.all.first { name, value in
            CallerDeadline.of(HTTPHeaders([(name, value)]), now: now) == exchange.callerDeadline
        }
        return (announced, field?.name ?? "the caller")
    }
}
