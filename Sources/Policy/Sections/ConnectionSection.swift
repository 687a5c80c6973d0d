import Admission

/// How the upstream is reached: `connections`, `timeouts`.
extension Field {
    func connectionRules(to url: UpstreamURL?) -> ConnectionRules {
        var rules = ConnectionRules()
        guard let section = section(["max", "protocol", "idle"]) else { return rules }
        if let max = section["max"]?.integer(1...100_000) { rules.max = max }
        if let idle = section["idle"]?.duration(.milliseconds(1) ... .days(1)) { rules.idle = idle }
        if let field = section["protocol"], let version = field.choice(ConnectionRules.HTTPVersion.self) {
            rules.httpVersion = version
            if version == .h2c, url?.isTLS == true {
                field.mistake("h2c is HTTP/2 without TLS, and the url is https; write h2 or auto")
            } else if version == .h2, url?.isTLS == false {
                field.mistake("h2 needs TLS, and the url is http; write h2c or auto")
            }
        }
        return rules
    }

    func timeoutRules() -> TimeoutRules {
        var rules = TimeoutRules()
        guard let section = section(["connect", "first_byte", "idle", "total"]) else { return rules }
        let range = Interval.milliseconds(1) ... .days(1)
        if let connect = section["connect"]?.duration(range) { rules.connect = connect }
        if let firstByte = section["first_byte"]?.duration(range) { rules.firstByte = firstByte }
        if let idle = section["idle"]?.duration(range) { rules.idle = idle }
        if let total = section["total"]?.duration(range) { rules.total = total }
        for (key, value) in [("connect", rules.connect), ("first_byte", rules.firstByte), ("idle", rules.idle)] {
            guard let field = section[key], value > rules.total else { continue }
            field.warning("`\(key)` (\(Units.text(value))) never ends a request: `total` is \(Units.text(rules.total))")
        }
        return rules
    }
}
