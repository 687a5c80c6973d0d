import Admission
import ArgumentParser
import Policy

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Shows a running proxy live in the terminal, from its admin address.",
        discussion: """
            Limits and how full they are, who waits and why, pauses, refusals. q or Ctrl-C ends it. Where standard output
            is no terminal it prints one picture as plain text.
            """)

    @Option(
        help: """
            The proxy's admin address, HOST:PORT, https://HOST:PORT or unix:/PATH; else PENSTOCK_ADMIN, else 127.0.0.1:9090.
            """)
    var admin: String?
    @Option(help: "A PEM file of those who may have signed the certificate of an https address; else the system's.")
    var ca: String?
    @Option(help: "How often it looks, from 100ms to 1h.")
    var interval = "1s"
    @Flag(help: "Prints one picture and ends.")
    var once = false

    private static let intervals = Interval.milliseconds(100)...Interval.hours(1)

    private var pause: Interval? {
        Units.duration(interval).flatMap { Self.intervals.contains($0) ? $0 : nil }
    }

    func validate() throws {
        guard pause != nil else {
            throw ValidationError("--interval: `\(interval)` is no duration from 100ms to 1h; write 500ms, 2s or 1m")
        }
    }

    func run() async throws {
        do {
            let named = admin ?? Environment.value("PENSTOCK_ADMIN").flatMap { $0.isEmpty ? nil : $0 }
            let door = try AdminDoor(named ?? Listener.standardAdmin.address.description, authorities: ca)
            var source = try StatusSource(door)
            let frame = TopFrame(standing: try await source.read(), address: source.name)
            let screen = Screen()
            guard screen.isTerminal, !once else {
                return screen.show(frame.lines(width: screen.isTerminal ? screen.size.columns : 120))
            }
            let ending = await TopDisplay(screen: screen, source: source, pause: pause ?? .seconds(1)).show(frame)
            // As a shell says it of a program that a signal has ended.
            if let ending { throw ExitCode(128 + ending) }
        } catch let error where error is StatusSource.Failure || error is AdminDoor.Unusable {
            Console.error("error: \(error)")
            throw ExitCode(ExitStatus.cannotStart)
        }
    }
}
