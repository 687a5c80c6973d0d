import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension SocketAddress {
    /// Loopback, link-local, private, shared, unspecified, multicast or reserved: nothing that a public name of a
    /// provider leads to (RFC 6890; IPv4 inside IPv6 is looked at as IPv4).
    var isPrivate: Bool {
        switch octets {
        case .none: false
        case .some(let octets): octets.count == 4 ? Self.isPrivate(octets) : Self.isPrivateIPv6(octets)
        }
    }

    var isLoopback: Bool {
        guard let octets else { return false }
        if octets.count == 4 { return octets[0] == 127 }
        return octets == Array(repeating: 0, count: 15) + [1] || (Self.embedded(octets)?[0] == 127)
    }

    var isAnyAddress: Bool {
        octets?.allSatisfy { $0 == 0 } ?? false
    }

    /// Whether both are the same host; IPv4 inside IPv6 is looked at as IPv4.
    func hasSameHost(as other: SocketAddress) -> Bool {
        guard let octets, let others = other.octets else { return false }
        return Self.unmapped(octets) == Self.unmapped(others)
    }

    /// The IPv4 address in a mapped one (RFC 4291 §2.5.5.2), else the same.
    private static func unmapped(_ octets: [UInt8]) -> [UInt8] {
        let isMapped = octets.count == 16 && octets.starts(with: mappedPrefix)
        return isMapped ? Array(octets.suffix(4)) : octets
    }

    private static let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]

    private var octets: [UInt8]? {
        switch self {
        case .v4(let address):
            withUnsafeBytes(of: address.address.sin_addr) { Array($0) }
        case .v6(let address):
            withUnsafeBytes(of: address.address.sin6_addr) { Array($0) }
        case .unixDomainSocket: nil
        }
    }

    private static func isPrivate(_ octets: [UInt8]) -> Bool {
        switch (octets[0], octets[1]) {
        case (0, _), (10, _), (127, _), (169, 254), (192, 168), (198, 18), (198, 19): true
        case (100, 64...127), (172, 16...31): true
        case (192, 0): octets[2] == 0
        case (224..., _): true
        default: false
        }
    }

    private static func isPrivateIPv6(_ octets: [UInt8]) -> Bool {
        if let embedded = embedded(octets) { return isPrivate(embedded) }
        if octets.dropLast().allSatisfy({ $0 == 0 }) { return true }
        // Unique local fc00::/7, link-local and the former site-local fe80::/9, multicast ff00::/8, and translation
        // within a network 64:ff9b:1::/48 (RFC 8215).
        return octets[0] & 0xFE == 0xFC || octets[0] == 0xFE && octets[1] & 0x80 == 0x80 || octets[0] == 0xFF
            || octets.starts(with: [0, 0x64, 0xFF, 0x9B, 0, 1])
    }

    /// The IPv4 address in a mapped (::ffff:0:0/96), compatible (::/96, but for :: and ::1), translated (64:ff9b::/96,
    /// RFC 6052) or 6to4 (2002::/16) one.
    private static func embedded(_ octets: [UInt8]) -> [UInt8]? {
        if octets.starts(with: [0x20, 0x02]) { return Array(octets[2..<6]) }
        let translated: [UInt8] = [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0]
        let prefix = Array(octets.prefix(12))
        let isCompatible = prefix.allSatisfy { $0 == 0 } && octets[12] != 0
        return prefix == mappedPrefix || prefix == translated || isCompatible ? Array(octets.suffix(4)) : nil
    }
}

/// Whether a host is written as an address.
enum IPAddressText {
    static func isAddress(_ host: String) -> Bool {
        (try? SocketAddress(ipAddress: host, port: 0)) != nil
    }
}
