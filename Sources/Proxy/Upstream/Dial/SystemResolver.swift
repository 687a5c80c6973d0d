import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Why a name led nowhere.
enum NameFailure: Error, Hashable {
    /// There is no such name, or it has no address.
    case unknown
    /// The resolver can't say now.
    case temporary
}

/// Asks for a host's addresses, the best first, their ports 0. May block its thread for as long as it likes.
typealias NameLookup = @Sendable (_ host: String) -> Result<[SocketAddress], NameFailure>

/// The system's own resolver: files, DNS and whatever else the host is set up with.
enum SystemResolver {
    static func addresses(of host: String) -> Result<[SocketAddress], NameFailure> {
        var hints = addrinfo()
        hints.ai_socktype = streamType
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard code == 0 else { return .failure(isDefinite(code) ? .unknown : .temporary) }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee {
            if let address = address(of: entry), !addresses.contains(address) { addresses.append(address) }
            next = entry.ai_next
        }
        return addresses.isEmpty ? .failure(.unknown) : .success(addresses)
    }

    #if canImport(Glibc)
        private static let streamType = Int32(SOCK_STREAM.rawValue)
    #else
        private static let streamType = SOCK_STREAM
    #endif

    /// No name, or a name without addresses (glibc's EAI_NODATA, -5).
    private static func isDefinite(_ code: Int32) -> Bool {
        code == EAI_NONAME || code == -5
    }

    private static func address(of entry: addrinfo) -> SocketAddress? {
        guard let address = entry.ai_addr else { return nil }
        let bytes = UnsafeRawPointer(address)
        switch entry.ai_family {
        case AF_INET: return SocketAddress(bytes.loadUnaligned(as: sockaddr_in.self))
        case AF_INET6: return SocketAddress(bytes.loadUnaligned(as: sockaddr_in6.self))
        default: return nil
        }
    }
}
