import NIOHTTP1

/// A request's fields, looked through once: what goes on to the upstream is gathered on the way, and a small filter
/// remembers which names were there, because most names that anybody asks for later are not.
struct RequestFields {
    let all: HTTPHeaders
    private(set) var hostCount = 0
    /// The fields for the upstream, with a place for its `Host` in front.
    private var kept: [(String, String)] = []
    private var names = NameFilter()

    /// Names that are looked at one by one; most requests have one of them, the host.
    private static let special = NameFilter(FieldName.hopByHop + ["host", "expect"])

    /// - Parameter identity: knows which fields stay here because they name an identity.
    init(_ headers: HTTPHeaders, identity: IdentityReader) {
        all = headers
        // As long as the request waits for its answer this array does, so it has no room to spare.
        kept.reserveCapacity(headers.count + 1)
        kept.append(("Host", ""))
        for (name, value) in headers {
            names.insert(name)
            guard Self.special.mayContain(name) || identity.mayWithhold(name) else {
                kept.append((name, value))
                continue
            }
            if FieldName.isHopByHop(name) || identity.withholds(name) { continue }
            switch name.utf8.count {
            case 4 where FieldName.matches(name, "host"): hostCount += 1
            // `Expect` is Penstock's to answer, since it is Penstock that decides when the body may come.
            case 6 where FieldName.matches(name, "expect"): continue
            default: kept.append((name, value))
            }
        }
        let nominated = has("connection") ? Forwarding.nominated(by: headers) : []
        if !nominated.isEmpty {
            kept.removeAll { field in nominated.contains { FieldName.matches(field.0, $0) } }
        }
    }

    /// The value of the first field of a name, which stands in lower case.
    func first(_ name: String) -> String? {
        names.mayContain(name) ? all.first(name: name) : nil
    }

    func has(_ name: String) -> Bool {
        names.mayContain(name) && all.contains(name: name)
    }

    /// Whether it is worth looking for a name.
    func mayHave(_ name: String) -> Bool {
        names.mayContain(name)
    }

    /// The fields as an upstream gets them: its own `Host`, no hop-by-hop fields, no identity, its own key where it
    /// has one. Consumes them, so that they need not be copied.
    consuming func headers(for service: UpstreamService) -> HTTPHeaders {
        kept[0].1 = service.upstream.url.authority
        var fields: [(String, String)] = []
        swap(&fields, &kept)
        var headers = HTTPHeaders(fields)
        service.setCredential(in: &headers)
        return headers
    }
}

/// A set of names that may say yes too often and never no too often: one bit of 64 per name.
struct NameFilter {
    private var bits: UInt64 = 0

    init(_ names: [String] = []) {
        for name in names { insert(name) }
    }

    mutating func insert(_ name: String) {
        bits |= Self.bit(of: name)
    }

    func mayContain(_ name: String) -> Bool {
        bits & Self.bit(of: name) != 0
    }

    /// From the length and the first and last bytes, whose case does not count. The factors are such that none of the
    /// fields that SDKs send with every request (`Host`, `User-Agent`, `X-Stainless-Lang` …) looks like one of those
    /// that are asked for.
    private static func bit(of name: String) -> UInt64 {
        name.withBytes { bytes in
            guard let first = bytes.first, let last = bytes.last else { return 0 }
            let sum = bytes.count &* 2 &+ Int(first | 0x20) &* 17 &+ Int(last | 0x20) &* 59
            return 1 << UInt64(sum & 63)
        }
    }
}
