import Admission
import NIOCore
import NIOPosix
import NIOSSL

/// The way of one upstream's gate to the store: one connection at a time, made again when it breaks.
///
/// Lives on one event loop. A turn that is not answered in time breaks the connection, so that a late answer is never
/// taken for another's.
package final class StoreLine: Sendable {
    /// What the gate is to know, on the line's loop.
    package enum Event: Sendable {
        case found
        case answered(SharedAnswer, to: Int)
        /// Another replica was told to pause, or this one.
        case paused(SharedPause)
        /// Only said after ``found``. With `wasRefused` a turn under way was not worked on.
        case lost(wasRefused: Bool)
        /// For people: why there is no connection. The same reason is said once.
        case trouble(String)
        /// For people: after trouble the store has answered a turn.
        case recovered
    }

    /// A turn's answer comes within this, or not at all.
    package static let patience = TimeAmount.milliseconds(50)
    /// For connecting and for all that is said before the first turn.
    static let greetingPatience = TimeAmount.milliseconds(500)

    /// Made on the loop.
    private let core: EventLoopFuture<NIOLoopBound<Core>>

    package init(
        _ settings: StoreSettings, upstream: String, replica: String, loop: any EventLoop,
        hear: @escaping @Sendable (Event) -> Void
    ) {
        core = loop.submit {
            let core = Core(settings, upstream: upstream, replica: replica, loop: loop, hear: hear)
            return NIOLoopBound(core, eventLoop: loop)
        }
    }

    package func start() { core.whenSuccess { $0.value.dial() } }

    package func send(_ turn: SharedTurn) { core.whenSuccess { $0.value.send(turn) } }

    /// Says goodbye and ends.
    package func stop() { core.whenSuccess { $0.value.stop() } }
}

extension StoreLine {
    /// What lives on the loop.
    final class Core {
        private enum Phase {
            case idle
            case dialling
            case greeting(any Channel)
            case open(any Channel)
            case ended
        }

        private let settings: StoreSettings
        private let upstream: String
        private let replica: String
        private let loop: any EventLoop
        private let hear: @Sendable (Event) -> Void
        private var route: StoreRoute
        private var phase = Phase.idle
        /// Of the connection that is dialled or open: whatever comes from an earlier one is not heard.
        private var generation = 0
        private var run = ""
        private var session: StoreSession?
        private var turns: CircularBuffer<SharedTurn> = []
        private var answeredTurns = 0
        private var lastTrouble = ""

        init(
            _ settings: StoreSettings, upstream: String, replica: String, loop: any EventLoop,
            hear: @escaping @Sendable (Event) -> Void
        ) {
            (self.settings, self.upstream, self.replica, self.loop) = (settings, upstream, replica, loop)
            self.hear = hear
            route = StoreRoute(settings)
        }

        // MARK: Connecting

        func dial() {
            guard case .idle = phase else { return }
            phase = .dialling
            generation += 1
            let (address, isSentinel) = route.target()
            session = StoreSession(to: address, isSentinel: isSentinel)
            let (this, own) = (NIOLoopBound(self, eventLoop: loop), generation)
            connect(to: address, own).whenComplete { result in
                switch result {
                case .success(let channel): this.value.connected(channel, own)
                case .failure: this.value.fail("the store at \(address) can't be reached", own)
                }
            }
            loop.scheduleTask(in: StoreLine.greetingPatience) { this.value.greetingOverdue(address, own) }
        }

        private func connect(to address: StoreAddress, _ own: Int) -> EventLoopFuture<any Channel> {
            let (tls, this) = (settings.tls, NIOLoopBound(self, eventLoop: loop))
            let bootstrap = ClientBootstrap(group: loop)
                .connectTimeout(StoreLine.greetingPatience)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        if let tls {
                            try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: address.tlsName))
                        }
                        try pipeline.addHandler(StoreHandler(this.value, own))
                    }
                }
            switch address {
            case .host(let host, let port): return bootstrap.connect(host: host, port: port)
            case .unix(let path): return bootstrap.connect(unixDomainSocketPath: path)
            }
        }

        private func connected(_ channel: any Channel, _ own: Int) {
            guard own == generation, case .dialling = phase else { return channel.close(promise: nil) }
            phase = .greeting(channel)
            for command in session?.greeting(settings) ?? [] { write(command, to: channel) }
            channel.flush()
        }

        private func greetingOverdue(_ address: StoreAddress, _ own: Int) {
            switch phase {
            case .dialling, .greeting: fail("the store at \(address) does not answer", own)
            case .idle, .open, .ended: break
            }
        }

        // MARK: Turns

        func send(_ turn: SharedTurn) {
            // Without a connection the gate has been told so, or hears of it in a moment.
            guard case .open(let channel) = phase else { return }
            turns.append(turn)
            write(turn, to: channel)
            channel.flush()
            let (this, own, count) = (NIOLoopBound(self, eventLoop: loop), generation, answeredTurns + turns.count)
            loop.scheduleTask(in: StoreLine.patience) { this.value.overdue(count, own) }
        }

        private func write(_ turn: SharedTurn, isWhole: Bool = false, to channel: any Channel) {
            let words = TurnCoding.words(turn, upstream: upstream, replica: replica, run: run)
            if let command = session?.turn(words, isWhole: isWhole) { write(command, to: channel) }
        }

        private func write(_ command: RESPCommand, to channel: any Channel) {
            var bytes: [UInt8] = []
            command.write(to: &bytes)
            channel.write(channel.allocator.buffer(bytes: bytes), promise: nil)
        }

        private func overdue(_ count: Int, _ own: Int) {
            if answeredTurns < count { fail("the store does not answer in time", own) }
        }

        // MARK: Replies

        func received(_ value: RESPValue, _ own: Int) {
            guard own == generation, let event = session?.received(value) else { return }
            switch event {
            case .ready(let run): ready(run)
            case .answer(let value): answered(value)
            case .message(let text):
                if let pause = TurnCoding.pause(text, of: upstream) { hear(.paused(pause)) }
            case .unknownScript: repeatWhole()
            case .elsewhere(let address): goElsewhere(address)
            case .failed(let failure):
                fail("\(failure)", own, wasRefused: failure.isOfWholeTurn)
            }
        }

        private func ready(_ run: String) {
            guard case .greeting(let channel) = phase else { return }
            (self.run, phase) = (run, .open(channel))
            if let command = session?.subscription(to: TurnCoding.channel(of: upstream)) {
                write(command, to: channel)
                channel.flush()
            }
            route.succeeded()
            hear(.found)
        }

        private func answered(_ value: RESPValue) {
            guard let turn = turns.popFirst() else { return fail("the store answered too often", generation) }
            answeredTurns += 1
            guard let answer = TurnCoding.answer(value, to: turn) else {
                return fail("the store answered something else than asked", generation)
            }
            hear(.answered(answer, to: turn.number))
            // Not before: a full store greets and then refuses every turn.
            if lastTrouble.isEmpty { return }
            lastTrouble = ""
            hear(.recovered)
        }

        /// The server was restarted, or somebody took its scripts away.
        private func repeatWhole() {
            guard case .open(let channel) = phase, let turn = turns.first else { return }
            write(turn, isWhole: true, to: channel)
            channel.flush()
        }

        private func goElsewhere(_ address: StoreAddress) {
            guard route.direct(to: address) else { return fail("the store sends us round and round", generation) }
            leave()
            dial()
        }

        // MARK: Ends

        func closed(_ own: Int) { fail("the store closed the connection", own) }

        func fail(_ reason: String, _ own: Int, wasRefused: Bool = false) {
            guard own == generation else { return }
            if case .ended = phase { return }
            if reason != lastTrouble {
                lastTrouble = reason
                hear(.trouble(reason))
            }
            leave(wasRefused: wasRefused)
            let wait = route.failed(chance: UInt8.random(in: .min ... .max))
            let this = NIOLoopBound(self, eventLoop: loop)
            loop.scheduleTask(in: .nanoseconds(wait.nanoseconds)) { this.value.dial() }
        }

        /// Gives the connection up.
        private func leave(wasRefused: Bool = false) {
            let old = phase
            // First, because closing is heard of at once.
            generation += 1
            (phase, session) = (.idle, nil)
            answeredTurns += turns.count
            turns.removeAll()
            switch old {
            case .open(let channel):
                channel.close(promise: nil)
                hear(.lost(wasRefused: wasRefused))
            case .greeting(let channel): channel.close(promise: nil)
            case .idle, .dialling, .ended: break
            }
        }

        func stop() {
            if case .open(let channel) = phase {
                let goodbye = SharedTurn(
                    number: 0, epoch: "", promise: .zero, pause: .zero, cells: [], asks: [], leaves: true)
                write(goodbye, to: channel)
                channel.flush()
                channel.close(promise: nil)
            }
            generation += 1
            phase = .ended
        }
    }
}

extension StoreAddress {
    /// What the server's certificate must be for; `nil` for an address, which is checked as such.
    fileprivate var tlsName: String? {
        guard case .host(let host, _) = self else { return nil }
        let isAddress = host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." }
        return isAddress ? nil : host
    }
}
