import Glibc
import NIOCore

/// Both plain ends of the way through the proxy: callers before it, an upstream behind it, on the thread that runs them.
///
/// They are cheap rather than right: ready-made bytes, one `poll`, and of what comes only the last eight bytes are looked
/// at. Whatever does not end as expected shows as ends that wait for each other.
final class PlainEnds {
    /// What the upstream says to a request, in parts; each part after the first when the one before has arrived.
    struct Answer {
        var parts: (_ place: Int) -> [[UInt8]]
        var mark: Tail

        static func whole() -> Answer {
            Answer(parts: { _ in [Messages.answer] }, mark: Tail(of: Messages.answer))
        }

        static func stream(events: Int = 50) -> Answer {
            let last = Array("0\r\n\r\n".utf8)
            return Answer(
                parts: { place in
                    let event = Messages.event(from: place)
                    return [Messages.streamHead + event] + Array(repeating: event, count: events - 2) + [event + last]
                }, mark: Tail(of: Messages.event(from: 0) + last))
        }
    }

    private enum Role { case listener, upstream, caller }

    private struct End {
        var role: Role
        var tail = Tail()
        /// What an upstream's end answers with, and how much of it is said.
        var parts: [[UInt8]] = []
        var said = 0
    }

    let port: Int
    private(set) var answered = 0
    private let answer: Answer
    private var ends: [End] = []
    private var polled: [pollfd] = []
    private var message: [UInt8] = []
    private var unsent = 0
    private var received = [UInt8](repeating: 0, count: 1 << 16)

    /// Nothing comes for longer only if somebody waits in vain; a profiler makes everything slow.
    private static let patience = (rounds: 200, milliseconds: Int32(100))

    init(answering answer: Answer) throws {
        self.answer = answer
        let listener = try LoopbackSocket.listening()
        port = listener.port
        add(listener.socket, .listener)
    }

    /// Opens the callers' connections and sends the first requests.
    func connect(_ count: Int, to address: SocketAddress, sending message: [UInt8], requests: Int) throws {
        self.message = message
        unsent = requests
        for _ in 0..<min(count, requests) {
            let socket = try LoopbackSocket.connected(to: address)
            add(socket, .caller)
            try call(socket)
        }
    }

    /// Answers and asks again until it is done.
    func run(until isDone: () throws -> Bool) throws {
        var idle = 0
        while try !isDone() {
            let ready = poll(&polled, nfds_t(polled.count), Self.patience.milliseconds)
            idle = ready == 0 ? idle + 1 : 0
            guard idle < Self.patience.rounds else {
                let last = String(decoding: received.prefix(1000), as: UTF8.self)
                throw Failure(description: "everybody waits after \(answered) answers; what came last began:\n\(last)")
            }
            for place in polled.indices where polled[place].revents != 0 { try take(place) }
        }
    }

    private func add(_ socket: LoopbackSocket, _ role: Role) {
        var end = End(role: role)
        if role == .upstream { end.parts = answer.parts(ends.count) }
        ends.append(end)
        polled.append(pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0))
    }

    private func socket(_ place: Int) -> LoopbackSocket { LoopbackSocket(descriptor: polled[place].fd) }

    /// Something came at this end.
    private func take(_ place: Int) throws {
        if ends[place].role == .listener { return add(try socket(place).accepted(), .upstream) }
        let count = socket(place).receive(into: &received)
        guard count > 0 else { return try closed(place) }
        ends[place].tail.append(received[..<count])
        switch ends[place].role {
        case .listener: break
        case .upstream:
            guard ends[place].tail == Self.requestMark else { return }
            ends[place].said = 0
            try say(place)
        case .caller:
            if ends[place].tail == answer.mark {
                answered += 1
                try call(socket(place))
            } else if let upstream = ends[place].tail.placeOfEvent {
                try say(upstream)
            }
        }
    }

    private static let requestMark = Tail(of: Messages.request)

    private func say(_ place: Int) throws {
        guard ends.indices.contains(place), ends[place].said < ends[place].parts.count else { return }
        try socket(place).send(ends[place].parts[ends[place].said])
        ends[place].said += 1
    }

    private func call(_ socket: LoopbackSocket) throws {
        guard unsent > 0 else { return }
        unsent -= 1
        try socket.send(message)
    }

    private func closed(_ place: Int) throws {
        guard ends[place].role == .upstream else {
            throw Failure(description: "the proxy closed a caller's connection after \(answered) answers")
        }
        socket(place).close()
        // `poll` passes over it.
        polled[place].fd = -1
    }
}

/// The last eight bytes of what came on a connection.
struct Tail: Equatable {
    private var bytes: UInt64 = 0

    init() {}

    init(of bytes: [UInt8]) { append(bytes[...]) }

    mutating func append(_ new: ArraySlice<UInt8>) {
        for byte in new.suffix(8) { bytes = bytes << 8 | UInt64(byte) }
    }

    /// The number that the last event carries, where an event is what came last: `123}`, its empty line, a chunk's end.
    var placeOfEvent: Int? {
        guard bytes & 0xFFFF_FFFF == 0x0A0A_0D0A else { return nil }
        let digits = [56, 48, 40].map { Int(bytes >> UInt64($0) & 0xFF) - 0x30 }
        return digits.reduce(0) { $0 * 10 + $1 }
    }
}
