import NIOCore
import NIOPosix
import Policy
import Synchronization
import Testing

@testable import Proxy

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A dial from a policy's upstream, and what came of it.
struct Dialled {
    let dial: UpstreamDial
    let listeners = OwnListeners()
    private let loop = MultiThreadedEventLoopGroup.singleton.any()

    /// - Parameter rest: further lines of the upstream.
    init(to url: String, _ rest: String = "", secrets: [String: String] = [:], lookUp: @escaping NameLookup) throws {
        let text = """
            upstreams:
              up:
                url: \(url)
                \(rest.replacing("\n", with: "\n    "))
            """
        let secrets = SecretSource(missing: .refused, environment: { secrets[$0] }, readFile: { _ in [] })
        let policy = try PolicyLoader(file: "test.yaml", secrets: secrets).load(text).policy
        dial = UpstreamDial(to: policy.upstreams[0], listeners: listeners, lookUp: lookUp)
    }

    func connect() async throws -> any Channel { try await dial.connect(on: loop).get() }
    func tunnel(to port: Int) async throws -> any Channel { try await dial.tunnel(to: port, on: loop).get() }

    /// The address that was reached.
    func reached() async throws -> String? {
        let channel = try await connect()
        let address = channel.remoteAddress?.ipAddress
        try await channel.close()
        return address
    }

    /// The failure's name, without what it carries.
    func failure() async -> String {
        String(await failureText().prefix { $0 != "(" })
    }

    func failureText() async -> String {
        do {
            try await connect().close()
            return "none"
        } catch {
            return String(describing: error)
        }
    }
}

@Suite("A dial", .timeLimit(.minutes(2)))
struct DialTests {
    private static func leads(to addresses: String...) -> NameLookup {
        { _ in .success(addresses.compactMap { try? SocketAddress(ipAddress: $0, port: 0) }) }
    }

    @Test("goes on to the next address where one refuses")
    func refusing() async throws {
        let upstream = try await Wire.Server.start()
        let dialled = try Dialled(
            to: "http://up.internal:\(upstream.port)", lookUp: Self.leads(to: "127.0.0.2", "127.0.0.3", "127.0.0.1"))
        for _ in 0..<4 { #expect(try await dialled.reached() == "127.0.0.1") }
        await upstream.stop()
    }

    @Test("goes on to the next address where one is silent, and begins with the one that is not from then on")
    func silent() async throws {
        let upstream = try await Wire.Server.start()
        let silent = try await SilentServer.start(on: "127.0.0.2", port: upstream.port)
        let dialled = try Dialled(
            to: "http://up.internal:\(upstream.port)", lookUp: Self.leads(to: "127.0.0.2", "127.0.0.1"))
        for _ in 0..<4 { #expect(try await dialled.reached() == "127.0.0.1") }
        try await silent.stop()
        await upstream.stop()
    }

    @Test("has one timeout for all addresses together")
    func allSilent() async throws {
        let silent = try await SilentServer.start(on: "127.0.0.2", port: 0)
        let dialled = try Dialled(
            to: "http://up.internal:\(silent.port)", "timeouts: {connect: 20ms}",
            lookUp: Self.leads(to: "127.0.0.2", "127.0.0.2", "127.0.0.2"))
        #expect(await dialled.failure() == "connectTimeout")
        try await silent.stop()
    }

    @Test(
        "says what became of it",
        arguments: [
            (.failure(.unknown), "nameNotFound"), (.failure(.temporary), "nameNotFound"),
            (.success(["127.0.0.9"]), "connectRefused"), (.success(["127.0.0.8", "127.0.0.9"]), "connectRefused"),
        ] as [(Result<[String], NameFailure>, String)])
    func failures(answer: Result<[String], NameFailure>, failure: String) async throws {
        let dialled = try Dialled(to: "http://up.internal:9") { _ in
            answer.map { $0.compactMap { try? SocketAddress(ipAddress: $0, port: 0) } }
        }
        #expect(await dialled.failure() == failure)
    }

    // MARK: Permitted addresses

    @Test("sends nothing to an inner address under a public name")
    func forbidden() async throws {
        let upstream = try await Wire.Server.start()
        let url = "http://api.example.com:\(upstream.port)"
        let lookUp = Self.leads(to: "10.0.0.1", "127.0.0.1", "::1", "::ffff:127.0.0.1")
        let dialled = try Dialled(to: url, lookUp: lookUp)
        #expect(await dialled.failure() == "addressForbidden")
        // Had anything come, it would have come before this one.
        #expect(try await Dialled(to: url, "private: true", lookUp: Self.leads(to: "127.0.0.1")).reached() != nil)
        // The dialling end may know of the connection before the accepting one does.
        _ = try await upstream.accept()
        #expect(upstream.count == 1)
        await upstream.stop()
    }

    @Test("leaves an own listener out, and is a loop where nothing else is left")
    func ownListeners() async throws {
        let (own, other) = (try await Wire.Server.start(), try await Wire.Server.start())
        let dialled = try Dialled(
            to: "http://up.internal:\(own.port)", "timeouts: {connect: 1s}", lookUp: Self.leads(to: "127.0.0.1"))
        dialled.listeners.add(own.address)
        #expect(await dialled.failure() == "loop")
        try await dialled.tunnel(to: other.port).close()
        #expect(own.count == 0)
        await own.stop()
        await other.stop()
    }

    @Test(
        "knows its own listeners under every address of this machine",
        arguments: [
            ("127.0.0.1", "127.0.0.1", true), ("127.0.0.1", "::ffff:127.0.0.1", true), ("127.0.0.1", "0.0.0.0", true),
            ("127.0.0.1", "127.0.0.2", false), ("127.0.0.1", "192.0.2.1", false), ("0.0.0.0", "127.0.0.2", true),
            ("0.0.0.0", "192.0.2.1", false), ("::", "::1", true), ("::", "127.0.0.1", true), ("::1", "::", true),
            ("192.0.2.7", "0.0.0.0", false),
        ])
    func listeners(listener: String, dialled: String, isOwn: Bool) throws {
        let own = OwnListeners()
        own.add(try SocketAddress(ipAddress: listener, port: 8080))
        #expect(own.contain(try SocketAddress(ipAddress: dialled, port: 8080)) == isOwn)
        #expect(!own.contain(try SocketAddress(ipAddress: dialled, port: 8081)))
    }

    @Test("knows a listener on all addresses under those of the machine's interfaces")
    func interfaces() throws {
        let addresses = try System.enumerateDevices().compactMap(\.address).filter { $0.ipAddress != nil }
        #expect(!addresses.isEmpty)
        for var address in addresses {
            address.port = 8080
            let own = OwnListeners()
            own.add(try SocketAddress(ipAddress: "::", port: 8080))
            #expect(own.contain(address), "\(address)")
        }
    }

    @Test("reaches an IPv6 address that the url gives", .enabled(if: SilentServer.hasIPv6))
    func literal() async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "::1", port: 0)
            .get()
        let port = try #require(server.localAddress?.port)
        let dialled = try Dialled(to: "http://[::1]:\(port)") { _ in preconditionFailure("an address is no name") }
        #expect(try await dialled.reached() == "::1")
        try await server.close()
    }

    // MARK: The resolver

    @Test("asks the resolver once for all that come while an answer counts")
    func asksOnce() async throws {
        let upstream = try await Wire.Server.start()
        let count = Atomic(0)
        let dialled = try Dialled(to: "http://up.internal:\(upstream.port)") { host in
            count.add(1, ordering: .relaxed)
            #expect(host == "up.internal")
            return .success([upstream.address])
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 { group.addTask { _ = try await dialled.reached() } }
            try await group.waitForAll()
        }
        #expect(count.load(ordering: .relaxed) == 1)
        await upstream.stop()
    }

    @Test("does not hang where the resolver does")
    func hanging() async throws {
        let upstream = try await Wire.Server.start()
        let gate = Gate()
        let dialled = try Dialled(to: "http://up.internal:\(upstream.port)", "timeouts: {connect: 20ms}") { _ in
            gate.wait()
            return .success([upstream.address])
        }
        #expect(await dialled.failure() == "nameTimeout")
        #expect(await dialled.failure() == "nameTimeout")
        gate.open()
        try await eventually("the late answer is used") { await dialled.failure() == "none" }
        await upstream.stop()
    }
}

/// Holds a thread until it is opened.
private final class Gate: Sendable {
    private let isOpen = Atomic(false)

    func open() { isOpen.store(true, ordering: .releasing) }

    func wait() {
        // A resolver blocks its thread; what it waits for is a matter of milliseconds here.
        while !isOpen.load(ordering: .acquiring) { _ = usleep(1000) }
    }
}

/// An address that answers no SYN: its line of connections to be accepted is full.
final class SilentServer: Sendable {
    private let server: any Channel
    private let filling: any Channel

    var port: Int { server.localAddress?.port ?? 0 }

    private init(server: any Channel, filling: any Channel) {
        (self.server, self.filling) = (server, filling)
    }

    static let hasIPv6: Bool = {
        let devices = (try? System.enumerateDevices()) ?? []
        return devices.contains { $0.address?.ipAddress == "::1" }
    }()

    static func start(on host: String, port: Int) async throws -> SilentServer {
        let group = MultiThreadedEventLoopGroup.singleton
        // Linux keeps one connection more than it is told to (inet_csk_listen_start; sk_acceptq_is_full).
        let server = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 0).serverChannelOption(.autoRead, value: false)
            .bind(host: host, port: port).get()
        let address = try #require(server.localAddress)
        return SilentServer(server: server, filling: try await ClientBootstrap(group: group).connect(to: address).get())
    }

    func stop() async throws {
        try await filling.close()
        try await server.close()
    }
}
