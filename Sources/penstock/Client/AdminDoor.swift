import NIOCore
import NIOSSL
import Policy

/// Where a proxy's admin address is reached from this machine.
struct AdminDoor: Sendable {
    struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    let address: Listener.Address
    private let security: CallSecurity?

    /// The address as the proxy's own file has it. With TLS it must show the very certificate that the file names, for
    /// whatever name that is.
    init(_ listener: Listener) throws(Unusable) {
        address = listener.address.ofThisMachine
        do {
            security = try listener.tls.map { try CallSecurity(pinned: $0.certificatePath) }
        } catch {
            throw Unusable(description: "the certificate of \(address) can't be read: \(error)")
        }
    }

    /// - Parameters:
    ///   - text: `HOST:PORT`, `unix:/PATH`, or a URL with `http` or `https`.
    ///   - authorities: a PEM file of those who may have signed the certificate of `https`; `nil` for the system's.
    init(_ text: String, authorities: String?) throws(Unusable) {
        let isSecure = text.hasPrefix("https://")
        let isURL = isSecure || text.hasPrefix("http://")
        let plain = isURL ? text.drop { $0 != "/" }.dropFirst(2).prefix { $0 != "/" } : text[...]
        guard let parsed = Listener.Address(String(plain)) else {
            throw Unusable(
                description: "admin: `\(text)` is no address; write HOST:PORT, https://HOST:PORT or unix:/PATH")
        }
        address = parsed.ofThisMachine
        guard isSecure || authorities == nil else {
            throw Unusable(description: "--ca is for an address with TLS: https://\(plain)")
        }
        do {
            security = isSecure ? try CallSecurity(for: address, authorities: authorities) : nil
        } catch {
            throw Unusable(description: "\(authorities ?? "the system's certificates") can't be used: \(error)")
        }
    }

    /// - Throws: ``Unusable`` where a name leads nowhere.
    func client(on group: any EventLoopGroup) throws(Unusable) -> CallClient {
        do {
            let socket =
                switch address {
                case .tcp(let host, let port): try SocketAddress.makeAddressResolvingHost(host, port: port)
                case .unix(let path): try SocketAddress(unixDomainSocketPath: path)
                }
            return CallClient(to: socket, security: security, group: group)
        } catch {
            throw Unusable(description: "\(address) can't be found")
        }
    }
}

extension Listener.Address {
    /// Where a program on the same machine reaches it.
    fileprivate var ofThisMachine: Listener.Address {
        switch self {
        case .tcp("0.0.0.0", let port), .tcp("*", let port): .tcp(host: "127.0.0.1", port: port)
        case .tcp("::", let port): .tcp(host: "::1", port: port)
        case .tcp, .unix: self
        }
    }
}
