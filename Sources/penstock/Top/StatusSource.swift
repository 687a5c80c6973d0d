import NIOCore
import NIOPosix
import Policy

/// Reads how a proxy stands from its admin address, over a connection that is kept.
struct StatusSource: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// As it is shown.
    let name: String
    private let address: SocketAddress
    private let group = MultiThreadedEventLoopGroup.singleton
    private var client: CallClient

    /// An answer takes no longer, or it is none.
    private static let patience = Duration.seconds(5)

    /// - Throws: ``Failure`` where the text is no address, or one that leads nowhere.
    init(_ text: String) throws {
        let plain = text.hasPrefix("http://") ? String(text.dropFirst(7).prefix { $0 != "/" }) : text
        guard let parsed = Listener.Address(plain) else {
            throw Failure(description: "admin: `\(text)` is no address; write HOST:PORT or unix:/PATH")
        }
        do {
            switch parsed {
            case .tcp(let host, let port): address = try .makeAddressResolvingHost(host, port: port)
            case .unix(let path): address = try SocketAddress(unixDomainSocketPath: path)
            }
        } catch {
            throw Failure(description: "\(parsed) can't be found")
        }
        name = parsed.description
        client = CallClient(to: address, group: group)
    }

    /// - Throws: ``Failure``, one line for a person.
    mutating func read() async throws(Failure) -> Standing {
        let client = client
        let clock = Task {
            try await Task.sleep(for: Self.patience)
            client.close()
        }
        defer { clock.cancel() }
        let answer: CallClient.Answer
        do {
            answer = try await client.send(CallClient.Call(method: .GET, path: "/status?short"))
        } catch {
            client.close()
            self.client = CallClient(to: address, group: group)
            throw Failure(description: reason(error))
        }
        guard answer.status == 200, let standing = Standing(status: answer.bytes) else { throw notPenstock }
        return standing
    }

    private func reason(_ error: any Error) -> String {
        switch error {
        case is NIOConnectionError, is IOError:
            "nothing answers at \(name); is Penstock running, with this admin address?"
        case ChannelError.eof, ChannelError.alreadyClosed, ChannelError.ioOnClosedChannel:
            "\(name) gave no answer; is it Penstock's admin address?"
        default: notPenstock.description
        }
    }

    private var notPenstock: Failure {
        Failure(description: "\(name) answers, but not as Penstock's admin address does")
    }
}
