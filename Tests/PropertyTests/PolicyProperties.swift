import Admission

@testable import Policy

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension Property {
    /// A file is read or refused with places inside it, never shows a secret, and what is read can be run.
    static let policy = Property("policy") { bytes in
        let lines = bytes.count { [0x0A, 0x0D, 0x85, 0xA8, 0xA9].contains($0) } + 1
        let diagnostics: [Diagnostic]
        let loaded = Result { () throws(InvalidPolicy) in try loader.load(bytes) }
        switch loaded {
        case .success(let loaded):
            diagnostics = loaded.warnings
            try run(loaded.policy)
        case .failure(let error):
            diagnostics = error.diagnostics
            try require(!error.mistakes.isEmpty, "refused without a mistake")
        }
        for diagnostic in diagnostics {
            let position = diagnostic.position
            let isInside = (1...lines).contains(position.line) && (1...bytes.count + 1).contains(position.column)
            try require(isInside, "outside the file: \(diagnostic)")
            try require(!diagnostic.description.contains(secret), "it shows the secret: \(diagnostic)")
        }
    }

    private static let secret = "sk-do-not-print"
    private static var loader: PolicyLoader {
        PolicyLoader(
            file: "p.yaml",
            secrets: SecretSource(
                missing: .tolerated, environment: { $0 == "ABSENT" ? nil : secret },
                readFile: { _ in Array(secret.utf8) }))
    }

    /// A few asks through the gate of each upstream, and the table of it all.
    private static func run(_ policy: Policy) throws(Violation) {
        try require(!policy.upstreams.isEmpty, "a policy without upstreams")
        try require(!CheckTable(policy).description.contains(secret), "the table shows the secret")
        for upstream in policy.upstreams {
            var now = Instant(nanoseconds: 0)
            var gate = Gate(rules: upstream.gate, now: now)
            for tenant in ["a", "b", "a"] {
                let ask = Ask(
                    identity: Identity(tenant: tenant, job: "j"), tokens: TokenClaim(input: 100, outputBound: 10))
                if case .admitted(let permit) = gate.submit(ask, now: now) {
                    gate.settle(permit, usage: Tokens(input: 90, output: 5), now: now)
                }
                now = min(gate.nextDeadline, now + .seconds(1))
                gate.advance(to: now)
                _ = gate.takeDecisions()
            }
        }
    }

    /// Addresses and units are what the C library says of them, and read back as they are written.
    static let addresses = Property("addresses") { bytes in
        for line in bytes.split(separator: 0x0A) where !line.contains(0) {
            let text = String(decoding: line, as: UTF8.self)
            try requireEqual(HostName.isIPv4(text[...]), isAddress(text, AF_INET), "IPv4 \(text)")
            try requireEqual(HostName.isIPv6(text[...]), isAddress(text, AF_INET6), "IPv6 \(text)")
            if let name = HostName.normalized(text[...]) {
                let again = HostName.normalized(name.contains(":") ? "[\(name)]" : name[...])
                try requireEqual(again, name, "the name \(text)")
            }
            if let address = Listener.Address(text) {
                try requireEqual(Listener.Address(address.description), address, text)
            }
            if let url = try? UpstreamURL(parsing: text) {
                try requireEqual(try? UpstreamURL(parsing: url.text), url, text)
            }
            try checkUnits(text)
        }
    }

    private static func isAddress(_ text: String, _ family: Int32) -> Bool {
        var address = in6_addr()
        return inet_pton(family, text, &address) == 1
    }

    private static func checkUnits(_ text: String) throws {
        if let length = Units.duration(text) { try requireEqual(Units.duration(Units.text(length)), length, text) }
        if let size = Units.size(text) { try requireEqual(Units.size(Units.text(bytes: size)), size, text) }
        if let (quota, window) = Units.rate(text) {
            let again = Units.rate("\(quota)/\(Units.word(for: window))")
            try require(again?.quota == quota && again?.window == window, text)
        }
        try require((Units.percentage(text) ?? 0) >= 0, text)
    }
}
