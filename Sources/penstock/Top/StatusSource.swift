import NIOCore
import NIOPosix

/// Reads how a proxy stands from its admin address, over a connection that is kept.
struct StatusSource: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// As it is shown.
    let name: String
    private let door: AdminDoor
    private let group = MultiThreadedEventLoopGroup.singleton
    private var client: CallClient

    /// An answer takes no longer, or it is none.
    private static let patience = Duration.seconds(5)

    /// - Throws: ``AdminDoor/Unusable`` where the address leads nowhere.
    init(_ door: AdminDoor) throws(AdminDoor.Unusable) {
        self.door = door
        name = door.address.description
        client = try door.client(on: group)
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
            if let fresh = try? door.client(on: group) { self.client = fresh }
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
        default: CallSecurity.reason(error).map { "\(name): \($0)" } ?? notPenstock.description
        }
    }

    private var notPenstock: Failure {
        Failure(description: "\(name) answers, but not as Penstock's admin address does")
    }
}
