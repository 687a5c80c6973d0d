import NIOCore
import Synchronization

/// The addresses on which this process listens, so that it never dials itself.
final class OwnListeners: Sendable {
    private let addresses = Mutex<[SocketAddress]>([])

    func add(_ address: SocketAddress) {
        addresses.withLock { $0.append(address) }
    }

    /// Whether a connection to an address would come in here.
    func contain(_ address: SocketAddress) -> Bool {
        let own = addresses.withLock { $0.filter { $0.port == address.port } }
        // Asking the system for its addresses is worth a few system calls only where the port is one of ours.
        return own.contains { listener in
            listener.hasSameHost(as: address)
                || listener.isAnyAddress && (address.isLoopback || Self.isOfThisMachine(address))
                // An unspecified destination is this machine to the kernel (ip(7)).
                || address.isAnyAddress && (listener.isLoopback || listener.isAnyAddress)
        }
    }

    /// Whether the address is one of an interface here.
    private static func isOfThisMachine(_ address: SocketAddress) -> Bool {
        // Where the system can't be asked nothing is known; a loop still ends at the request's own marks.
        let devices = (try? System.enumerateDevices()) ?? []
        return devices.contains { $0.address?.hasSameHost(as: address) == true }
    }
}
