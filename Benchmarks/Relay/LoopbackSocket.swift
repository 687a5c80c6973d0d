import Glibc
import NIOCore

/// A blocking TCP socket on loopback.
struct LoopbackSocket {
    let descriptor: Int32

    static func listening() throws -> (socket: LoopbackSocket, port: Int) {
        let socket = try make()
        let any = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
        let bound = any.withSockAddr { bind(socket.descriptor, $0, socklen_t($1)) }
        guard bound == 0, listen(socket.descriptor, 1024) == 0 else { throw failure("listen") }
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let named = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket.descriptor, $0, &size) }
        }
        guard named == 0 else { throw failure("getsockname") }
        return (socket, Int(UInt16(bigEndian: address.sin_port)))
    }

    static func connected(to address: SocketAddress) throws -> LoopbackSocket {
        let socket = try make()
        let result = address.withSockAddr { connect(socket.descriptor, $0, socklen_t($1)) }
        guard result == 0 else { throw failure("connect") }
        return socket
    }

    func accepted() throws -> LoopbackSocket {
        let accepted = accept(descriptor, nil, nil)
        guard accepted >= 0 else { throw Self.failure("accept") }
        return try LoopbackSocket(descriptor: accepted).withoutDelay()
    }

    /// What fits of what is there; 0 when the peer has closed or reset the connection.
    func receive(into buffer: inout [UInt8]) -> Int { max(0, recv(descriptor, &buffer, buffer.count, 0)) }

    func send(_ bytes: [UInt8]) throws {
        let sent = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        guard sent == bytes.count else { throw Self.failure("send") }
    }

    func close() { _ = Glibc.close(descriptor) }

    private static func make() throws -> LoopbackSocket {
        let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard made >= 0 else { throw failure("socket") }
        return try LoopbackSocket(descriptor: made).withoutDelay()
    }

    private func withoutDelay() throws -> LoopbackSocket {
        var on: Int32 = 1
        let set = setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        guard set == 0 else { throw Self.failure("setsockopt") }
        return self
    }

    private static func failure(_ call: String) -> Failure {
        Failure(description: "\(call): \(String(cString: strerror(errno)))")
    }
}
