import Admission
import Dispatch
import NIOCore
import Synchronization

/// The addresses of one host, for all loops together.
///
/// ``AddressBook`` decides; this asks, on a thread of its own, one question at a time. A resolver that hangs holds that
/// thread and nothing else.
final class HostResolver: Sendable {
    /// How long a dial waits for the resolver where an older answer is known.
    private static let patience = Interval.seconds(1)

    private struct State {
        var book: AddressBook
        var waiting: [Int: EventLoopPromise<[SocketAddress]>] = [:]
        var lastWaiter = 0
    }

    let host: String
    private let lookUp: NameLookup
    private let queue: DispatchQueue
    private let state: Mutex<State>

    init(host: String, lookUp: @escaping NameLookup) {
        self.host = host
        self.lookUp = lookUp
        queue = DispatchQueue(label: "resolver of \(host)")
        let address = try? SocketAddress(ipAddress: host, port: 0)
        state = Mutex(State(book: address.map { AddressBook(fixed: $0) } ?? AddressBook()))
    }

    /// The addresses in the order in which to try them, their ports 0.
    ///
    /// - Throws: ``UpstreamFailure/nameNotFound``, or ``UpstreamFailure/nameTimeout`` after `length`.
    func addresses(on loop: any EventLoop, within length: Interval) -> EventLoopFuture<[SocketAddress]> {
        let promise = loop.makePromise(of: [SocketAddress].self)
        let now = Clock.now()
        let (answer, asks, waiter, known) = state.withLock { state in
            let (answer, asks) = state.book.look(now: now)
            guard answer == .wait else { return (answer, asks, 0, AddressBook.Answer.wait) }
            state.lastWaiter += 1
            state.waiting[state.lastWaiter] = promise
            return (answer, asks, state.lastWaiter, state.book.known(now: now))
        }
        if asks { ask() }
        switch answer {
        case .wait: giveUp(waiter, after: known == .wait ? length : min(length, Self.patience), on: loop, promise)
        case .addresses, .failed: Self.complete(promise, answer)
        }
        return promise.futureResult
    }

    /// A dial came through at one of the addresses that it tried.
    func reached(_ place: Int, of tried: [SocketAddress]) {
        state.withLock { $0.book.reached(place, of: tried, now: Clock.now()) }
    }

    private func giveUp(
        _ waiter: Int, after length: Interval, on loop: any EventLoop, _ promise: EventLoopPromise<[SocketAddress]>
    ) {
        let late = loop.scheduleTask(in: TimeAmount(length)) {}
        // The task also ends, as failed, when its loop is shut down.
        late.futureResult.whenComplete { _ in
            let answer = self.state.withLock { state in
                state.waiting.removeValue(forKey: waiter).map { _ in state.book.known(now: Clock.now()) }
            }
            if let answer { Self.complete(promise, answer) }
        }
        promise.futureResult.whenComplete { _ in late.cancel() }
    }

    private func ask() {
        queue.async { [self] in
            let result = lookUp(host)
            let now = Clock.now()
            let answers = state.withLock { state in
                switch result {
                case .success(let addresses): state.book.resolved(addresses, now: now)
                case .failure(let why): state.book.failed(why, now: now)
                }
                defer { state.waiting = [:] }
                return state.waiting.values.map { ($0, state.book.known(now: now)) }
            }
            for (promise, answer) in answers { Self.complete(promise, answer) }
        }
    }

    private static func complete(_ promise: EventLoopPromise<[SocketAddress]>, _ answer: AddressBook.Answer) {
        switch answer {
        case .addresses(let addresses): promise.succeed(addresses)
        case .failed: promise.fail(UpstreamFailure.nameNotFound)
        case .wait: promise.fail(UpstreamFailure.nameTimeout)
        }
    }
}
