import ArgumentParser
import NIOCore

/// Sends so many requests through a proxy of this process and ends: something to count, not to time.
///
/// The proxy has one event loop. Its callers and its upstream are in this process too, on other threads, so that a
/// profiler that tells threads apart sees the proxy alone. `scripts/relay-instructions.sh` does that.
///
/// It must stay synchronous: an `async` main ends its thread, and valgrind does not survive that.
@main
struct RelayBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay-benchmark", abstract: "Sends requests through a proxy, for a profiler.")

    @Argument(help: "One of: \(Scenario.allCases.map(\.rawValue).joined(separator: ", ")).")
    var scenario: Scenario

    @Option(help: "How many requests are sent.")
    var requests = 2000

    @Option(help: "How many HTTP/1.1 connections the callers have, each with one request at a time.")
    var connections = 32

    @Option(help: "A certificate for localhost (PEM), where the upstream speaks TLS.")
    var certificate: String?

    @Option(help: "Its key (PEM).")
    var key: String?

    func validate() throws {
        guard requests > 0, (1...500).contains(connections) else {
            throw ValidationError("At least a request, and 1 to 500 connections.")
        }
        if scenario.hasSecureUpstream, certificate == nil || key == nil {
            throw ValidationError("\(scenario.rawValue) needs a --certificate and a --key.")
        }
    }

    func run() throws {
        let ends = try PlainEnds(answering: scenario.isStreamed ? .stream() : .whole())
        var port = ends.port
        if scenario.hasSecureUpstream, let certificate, let key {
            port = try SecureUpstream.start(certificate: certificate, key: key)
        }
        let proxy = try MeasuredProxy.start(scenario.policy(port: port, authority: certificate))
        guard let address = proxy.addresses.first else { throw Failure(description: "the proxy has no address") }
        try withExtendedLifetime(proxy) { try exchange(ends, address) }
        print("\(scenario.rawValue): \(requests) requests answered")
    }

    private func exchange(_ ends: PlainEnds, _ proxy: SocketAddress) throws {
        if scenario.hasHTTP2Callers {
            let callers = HTTP2Callers(requests: requests)
            callers.start(to: proxy)
            try ends.run { try callers.areDone() }
        } else {
            let message = scenario.isStreamed ? Messages.streamRequest : Messages.request
            try ends.connect(connections, to: proxy, sending: message, requests: requests)
            try ends.run { ends.answered == requests }
        }
    }
}

/// What went wrong, in a sentence.
struct Failure: Error, CustomStringConvertible {
    let description: String
}
