/// What two parts of a file claim both: prefixes, hosts, being the default, addresses.
struct Clashes {
    let findings: Findings
    let upstreams: [ReadUpstream]

    /// An address that will be bound, and where the file says so.
    struct Bound {
        let address: Listener.Address
        let key: String
        let position: Position

        init(_ address: Listener.Address, key: String, position: Position) {
            self.address = address
            self.key = key
            self.position = position
        }
    }

    func check(bound: [Bound]) {
        checkPairs()
        let own = upstreams.flatMap { read in
            zip(read.upstream.listen, read.listenPositions).map { listener, position in
                Bound(listener.address, key: "listen", position: position)
            }
        }
        checkAddresses(bound + own)
        checkLoops(bound + own)
    }

    private func checkPairs() {
        for (index, later) in upstreams.enumerated() {
            for earlier in upstreams[..<index] {
                checkPrefixes(earlier, later)
                checkHosts(earlier, later)
                if earlier.upstream.isDefault, later.upstream.isDefault {
                    findings.mistake(
                        "two upstreams are the default: `\(earlier.upstream.name)` already is",
                        at: later.position(of: "default"))
                }
            }
        }
    }

    private func checkPrefixes(_ earlier: ReadUpstream, _ later: ReadUpstream) {
        guard earlier.upstream.prefix == later.upstream.prefix else { return }
        // The one that wrote its prefix down can change it most easily.
        let blamed = later.section["prefix"] == nil && earlier.section["prefix"] != nil ? earlier : later
        let other = blamed.upstream.name == later.upstream.name ? earlier : later
        findings.mistake(
            "the prefix \(blamed.upstream.prefix) is already that of `\(other.upstream.name)`",
            at: blamed.position(of: "prefix"))
    }

    /// A name that stands in `hosts` may lead to one upstream only. Two upstreams at the same url's host are two
    /// accounts of one provider; base URLs tell them apart, host names can't.
    private func checkHosts(_ earlier: ReadUpstream, _ later: ReadUpstream) {
        for host in later.upstream.hosts where earlier.upstream.hosts.contains(host) {
            let isOfLater = later.upstream.url.host == host
            let isOfEarlier = earlier.upstream.url.host == host
            if !isOfLater {
                findings.mistake(
                    "the host \(host) already leads to `\(earlier.upstream.name)`", at: later.position(of: "hosts"))
            } else if !isOfEarlier {
                findings.mistake(
                    "the host \(host) is that of `\(later.upstream.name)`", at: earlier.position(of: "hosts"))
            } else if earlier.upstream.url.port == later.upstream.url.port {
                findings.warning(
                    "requests by the host name \(host) go to `\(earlier.upstream.name)`; "
                        + "`\(later.upstream.name)` gets only those with its prefix",
                    at: later.position(of: "url"))
            }
        }
    }

    private func checkAddresses(_ bound: [Bound]) {
        for (index, later) in bound.enumerated() {
            guard let earlier = bound[..<index].first(where: { $0.address.clashes(with: later.address) }) else {
                continue
            }
            findings.mistake(
                "the address \(later.address) is already taken by `\(earlier.key)`"
                    + (earlier.address == later.address ? "" : " with \(earlier.address)"),
                at: later.position)
        }
    }

    private func checkLoops(_ bound: [Bound]) {
        for read in upstreams {
            let url = read.upstream.url
            check("url", host: url.host, port: url.port, of: read, against: bound)
            guard let proxy = read.upstream.proxy?.url else { continue }
            check("proxy", host: proxy.host, port: proxy.port, of: read, against: bound)
        }
    }

    private func check(_ key: String, host: String, port: Int, of read: ReadUpstream, against bound: [Bound]) {
        guard let listener = bound.first(where: { $0.address.receives(host: host, port: port) }) else { return }
        findings.mistake(
            "`\(key)` is an address of Penstock itself (`\(listener.key)`: \(listener.address))",
            at: read.position(of: key))
    }
}
