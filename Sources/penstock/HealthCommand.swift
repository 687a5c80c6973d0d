import ArgumentParser
import NIOCore
import NIOHTTP1
import NIOPosix
import Policy

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Asks a running proxy whether it is ready; exits 0 or 1.",
        discussion: """
            For health checks inside a container, where there is no other program. The admin address is that of --admin,
            else of PENSTOCK_ADMIN, else of the file, else 127.0.0.1:9090; an address for all interfaces is asked on this
            machine. Where the file gives it a certificate, that one must be shown. A file that can't be used says nothing:
            the proxy may still run by what it was before.
            """)

    @Option(help: "The admin address of the proxy: HOST:PORT, https://HOST:PORT or unix:/PATH.")
    var admin: String?
    @Option(help: "A PEM file of those who may have signed its certificate, where --admin has TLS; else the system's.")
    var ca: String?
    @Option(name: .shortAndLong, help: "The YAML file.")
    var config: String?
    @Flag(help: "Asks only whether it is alive, also while it drains.")
    var live = false
    @Option(help: "How long to wait for the answer.")
    var timeout = "2s"

    func run() async throws {
        guard let timeout = Units.duration(timeout) else {
            throw ValidationError("--timeout: `\(timeout)` is no duration; write 250ms, 2s or 1m")
        }
        let door = try door()
        let address = door.address
        let path = live ? "/livez" : "/readyz"
        do {
            let answer = try await Self.ask(door, path, within: .nanoseconds(timeout.nanoseconds))
            let text = answer.body.prefix { !$0.isNewline }
            guard answer.status == 200 else { return try fail("\(address)\(path): \(answer.status) \(text)") }
            print("\(address)\(path): \(text)")
        } catch let error where !(error is ExitCode) {
            try fail("\(address)\(path): no answer: \(Self.reason(error))")
        }
    }

    private func fail(_ line: String) throws {
        Console.error(line)
        throw ExitCode(ExitStatus.unhealthy)
    }

    private func door() throws -> AdminDoor {
        do {
            if let text = admin ?? Environment.value("PENSTOCK_ADMIN") { return try AdminDoor(text, authorities: ca) }
            let path = config ?? Environment.value("PENSTOCK_CONFIG")
            let policy = path.flatMap { try? ConfigFile(path: $0).load(missingSecrets: .tolerated).policy }
            return try AdminDoor(policy?.admin ?? .standardAdmin)
        } catch {
            throw ValidationError(error.description)
        }
    }

    // MARK: Asking

    private struct TimedOut: Error {}

    /// Gives up when the time is over, whatever is under way then: the process is about to end.
    private static func ask(
        _ door: AdminDoor, _ path: String, within timeout: TimeAmount
    ) async throws -> CallClient.Answer {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let promise = group.next().makePromise(of: CallClient.Answer.self)
        group.next().scheduleTask(in: timeout) { promise.fail(TimedOut()) }
        promise.completeWithTask {
            try await door.client(on: group).send(CallClient.Call(method: .GET, path: path))
        }
        return try await promise.futureResult.get()
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case is TimedOut: "it took too long"
        case let error as IOError where error.errnoCode == ECONNREFUSED: "nobody listens there"
        case let error as IOError where error.errnoCode == ENOENT: "there is no such socket"
        case ChannelError.eof: "it hung up"
        default: CallSecurity.reason(error) ?? "\(error)"
        }
    }
}
