import ProviderSimulator

extension Standing {
    /// `nil` where the bytes are not what Penstock's `/status` says.
    init?(status bytes: [UInt8]) {
        guard let status = JSONValue(bytes), let version = status["version"]?.text,
            let upstreams = status["upstreams"]?.members
        else { return nil }
        self.version = version.printable
        state =
            status["draining"]?.isTrue == true ? "draining" : status["ready"]?.isTrue == true ? "ready" : "not ready"
        process = Process(status["guard"] ?? .null)
        self.upstreams = upstreams.sorted { $0.key < $1.key }.map { Upstream($0.key, $0.value) }
    }
}

extension Standing.Process {
    fileprivate init(_ value: JSONValue) {
        connections = Standing.Bound(value["connections"], used: "open", most: "value")
        memory = Standing.Bound(value["memory"], used: "resident", most: "bound")
        files = Standing.Bound(value["descriptors"], used: "open", most: "value")
        lag = value.number("loop_lag_ms")
        level = value.words("level")
    }
}

extension Standing.Bound {
    fileprivate init(_ value: JSONValue?, used: String = "used", most: String = "value") {
        self.init(used: value?.number(used) ?? 0, most: value?[most]?.integer)
    }
}

extension Standing.Upstream {
    fileprivate init(_ name: String, _ value: JSONValue) {
        self.name = name.printable
        url = value.words("url")
        inFlight = value.number("in_flight")
        waiting = value.number("queued")
        notes = Self.notes(value)
        pool = Self.pool(value["pool"] ?? .null)
        limits = (value["limits"]?.items ?? []).flatMap(Standing.Limit.all)
        tenants = (value["tenants"]?.members ?? [:]).map { Standing.Tenant($0.key, $0.value) }
            .sorted { ($1.waiting, $1.inFlight, $0.name) < ($0.waiting, $0.inFlight, $1.name) }
        tenantCount = value["tenant_count"]?.integer ?? tenants.count
        outermost = value["fair_by"]?.items?.first?.text?.printable ?? "tenant"
        refusals = (value["refusals"]?.items ?? []).map { Standing.Refusal($0) }
        seconds = Standing.Seconds(value["last_seconds"] ?? .null)
    }

    private static func notes(_ value: JSONValue) -> [String] {
        var notes: [String] = []
        if let pause = value["paused_ms"]?.integer {
            notes.append("paused, because the provider said when to come back; goes on in \(Figures.time(pause))")
        }
        if let breaker = value["breaker"], let state = breaker["state"]?.text, state != "closed" {
            let probe = breaker["next_probe_ms"]?.integer.map { "next probe in \(Figures.time($0))" }
            notes.append("left alone, because it failed too often; \(probe ?? "a probe is under way")")
        }
        if let limit = value["adaptive_limit"]?.integer { notes.append("adaptive: at most \(limit) in flight for now") }
        return notes
    }

    private static func pool(_ value: JSONValue) -> String {
        let version = value["protocol"]?.text == "h2" ? "HTTP/2" : "HTTP/1.1"
        let making = value.number("connecting")
        return "\(version), \(value.number("active")) in use, \(value.number("idle")) idle"
            + (making > 0 ? ", \(making) being made" : "")
    }
}

extension Standing.Limit {
    /// One for each of those that the limit is for and that use it or wait for it.
    fileprivate static func all(_ value: JSONValue) -> [Self] {
        let name = value.words("name") + (value["mode"]?.text == "observe" ? " (only observed)" : "")
        return (value["in_use"]?.items ?? []).map { Self(name, $0) }
            .filter { value["per"]?.items?.isEmpty != false || $0.waiting > 0 || $0.fullness > 0 }
            .sorted { ($1.waiting, $1.fullness) < ($0.waiting, $0.fullness) }
    }

    private init(_ limit: String, _ value: JSONValue) {
        let whom = (value["for"]?.members ?? [:]).sorted { $0.key < $1.key }.compactMap { $0.value.text?.printable }
        let tags = value["paused_ms"]?.integer.map { ["paused for \(Figures.time($0))"] } ?? []
        name = ([limit] + whom + tags).joined(separator: " · ")
        terms = (value.members ?? [:]).filter { $0.key != "for" && $0.value["value"]?.integer != nil }
            .sorted { Self.rank($0.key) < Self.rank($1.key) }
            .map { Standing.Term(name: Self.words($0.key), bound: Standing.Bound($0.value)) }
        waiting = value.number("queued")
        nextFree = value["next_free_ms"]?.integer
    }

    /// Slots first, then rates, the shortest window first.
    private static func rank(_ term: String) -> (Int, String) {
        (Int(term.split(separator: "/").last?.dropLast() ?? "") ?? 0, term)
    }

    private static let windows = ["1s": "s", "60s": "min", "3600s": "hour", "86400s": "day"]

    /// `requests/60s` as `requests/min`.
    private static func words(_ term: String) -> String {
        let parts = term.split(separator: "/", maxSplits: 1).map { $0.replacing("_", with: " ") }
        guard parts.count == 2 else { return term == "distinct" ? "under way" : parts.joined() }
        let window = String(parts[1])
        return "\(parts[0])/\(windows[window] ?? window)".printable
    }
}

extension Standing.Tenant {
    fileprivate init(_ name: String, _ value: JSONValue) {
        self.name = name.printable
        inFlight = value.number("in_flight")
        waiting = value.number("queued")
        longest = value["wait"]?["ms"]?.integer
        let end = value["wait"]?["ends_in_ms"]?.integer.map { ", \(Figures.time($0)) left" } ?? ""
        heldBy = value["wait"].map { $0.words("reason") + end } ?? ""
    }
}

extension Standing.Refusal {
    fileprivate init(_ value: JSONValue) {
        tenant = value.words("tenant")
        status = value.number("status")
        count = value.number("count")
        age = value.number("last_ms_ago")
        reason = value.words("reason")
    }
}

extension Standing.Seconds {
    fileprivate init(_ value: JSONValue) {
        func numbers(_ name: String) -> [Int] { (value[name]?.items ?? []).map { $0.integer ?? 0 } }
        self.init(
            requests: numbers("requests"), inFlight: numbers("in_flight"), waiting: numbers("queued"),
            refused: numbers("refused"), throttled: numbers("throttled"))
    }
}

extension JSONValue {
    /// Zero where there is none.
    fileprivate func number(_ name: String) -> Int { self[name]?.integer ?? 0 }

    /// Nothing where there are none; never what a terminal would obey.
    fileprivate func words(_ name: String) -> String { self[name]?.text?.printable ?? "" }
}
