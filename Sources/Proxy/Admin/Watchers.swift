import NIOCore
import NIOHTTP1
import Synchronization

/// The watchers of `/events`: one snapshot a second for all of them, and none while there is nobody. Safe on any thread.
final class Watchers: Sendable {
    private struct State {
        var list = WatchList()
        var channels: [Int: any Channel] = [:]
        /// The event of this second, for who comes meanwhile.
        var latest: ByteBuffer?
        /// Whether the next event is due by itself.
        var isTicking = false
        var isOver = false
    }

    private static let pace = TimeAmount.seconds(1)

    private let state = Mutex(State())
    private let home: any EventLoop
    private let text: @Sendable () -> [UInt8]

    /// - Parameters:
    ///   - home: where the events are made.
    ///   - text: of an event, made anew.
    init(home: any EventLoop, text: @escaping @Sendable () -> [UInt8]) {
        self.home = home
        self.text = text
    }

    /// How many watch.
    var count: Int { state.withLock { $0.list.count } }

    /// Has a channel get every event from now on, where there is a place for it. To be called on the channel's loop.
    ///
    /// - Parameter begin: writes the head of the response. Events come from another loop, so none is before it.
    /// - Returns: whether there was a place; else nothing was written.
    func enter(_ channel: any Channel, begin: () -> Void) -> Bool {
        let place = state.withLock { state -> (watcher: Int, latest: ByteBuffer?, startsTicking: Bool)? in
            guard !state.isOver, let watcher = state.list.enter() else { return nil }
            state.channels[watcher] = channel
            defer { state.isTicking = true }
            let latest = state.latest.flatMap { state.list.begin(watcher) ? $0 : nil }
            return (watcher, latest, !state.isTicking)
        }
        guard let place else { return false }
        begin()
        channel.closeFuture.whenComplete { _ in self.leave(place.watcher) }
        if let latest = place.latest { write(latest, to: channel, place.watcher) }
        if place.startsTicking { home.execute { self.tick() } }
        return true
    }

    private func leave(_ watcher: Int) {
        state.withLock { state in
            state.list.leave(watcher)
            state.channels[watcher] = nil
        }
    }

    /// Once a second, as long as somebody watches.
    private func tick() {
        let goesOn = state.withLock { state in
            state.isTicking = !state.list.isEmpty && !state.isOver
            if !state.isTicking { state.latest = nil }
            return state.isTicking
        }
        guard goesOn else { return }
        send()
        home.scheduleTask(in: Self.pace) { self.tick() }
    }

    private func send() {
        let event = ByteBuffer(bytes: EventText.event(text()))
        let (recipients, dropped) = state.withLock { state in
            state.latest = event
            let (recipients, dropped) = state.list.due()
            return (
                recipients.compactMap { number in state.channels[number].map { (number, $0) } },
                dropped.compactMap { state.channels.removeValue(forKey: $0) }
            )
        }
        for channel in dropped { channel.close(promise: nil) }
        for (watcher, channel) in recipients { write(event, to: channel, watcher) }
    }

    private func write(_ event: ByteBuffer, to channel: any Channel, _ watcher: Int) {
        let written = channel.eventLoop.makePromise(of: Void.self)
        written.futureResult.whenSuccess { self.state.withLock { $0.list.taken(watcher) } }
        channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(event)), promise: written)
    }

    /// A last event that says that it is over, then the end of every answer; nobody is let in any more.
    func end() {
        let isWatched = state.withLock { state in
            state.isOver = true
            return !state.list.isEmpty
        }
        guard isWatched else { return }
        send()
        let channels = state.withLock { state in
            state.latest = nil
            return Array(state.channels.values)
        }
        for channel in channels {
            let ended = channel.eventLoop.makePromise(of: Void.self)
            ended.futureResult.whenComplete { _ in channel.close(promise: nil) }
            channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: ended)
        }
    }
}
