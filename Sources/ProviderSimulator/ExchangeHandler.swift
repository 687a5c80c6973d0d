import NIOCore
import NIOHTTP1

/// Answers the requests of one HTTP/1.1 connection, or the one request of an HTTP/2 stream.
///
/// A request enters the books when its head is seen, and limits in tokens when its body is. It leaves them just before its last piece is handed to the
/// socket, when all before it has been taken: after that piece the caller may rightly send the next request, and on
/// another event loop that one could be seen before this one's write has returned.
final class ExchangeHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let ledger: SharedLedger
    private let isStream: Bool
    private var context: ChannelHandlerContext?
    private var exchange: Exchange?
    private var number = 0
    /// When the socket has taken the piece before the last.
    private var taken: EventLoopFuture<Void>?

    init(ledger: SharedLedger, isStream: Bool) {
        self.ledger = ledger
        self.isStream = isStream
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        abandon()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        abandon()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Whatever the caller did wrong, this connection or stream can't go on.
        context.close(promise: nil)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // In a turn of its own: this comes from within the flush of the pieces before.
        if context.channel.isWritable, case .writing(_, _, isPaused: false) = exchange?.phase { giveWay() }
        context.fireChannelWritabilityChanged()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): begin(head, context: context)
        case .body(let buffer): exchange?.append(buffer.readableBytesView, maximum: ledger.settings.maximumBody)
        case .end: answer()
        }
    }

    private func begin(_ head: HTTPRequestHead, context: ChannelHandlerContext) {
        number += 1
        var exchange = Exchange(head, number: number)
        if case .operation = Route(method: head.method.rawValue, target: head.uri) {
            // What watches the books does not stand in them.
        } else {
            exchange.arrival = ledger.arrive(key: CallerKey.of(head.headers))
        }
        self.exchange = exchange
        if head.headers.first(name: "expect")?.lowercased() == "100-continue" {
            let go = HTTPResponseHead(version: head.version, status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(go)), promise: nil)
        }
    }

    private func answer() {
        guard var request = exchange?.takeRequest() else { return }
        guard var arrival = exchange?.arrival else {
            if case .operation(let operation) = Route(method: request.method, target: request.target) {
                play(Operations(ledger: ledger).script(for: operation, body: request.body))
            }
            return
        }
        let answerer = Answerer(settings: ledger.settings)
        if case .undecided = arrival.verdict {
            request.ask = answerer.ask(in: request)
            arrival = ledger.decide(arrival, weight: answerer.weight(of: request.ask))
            exchange?.arrival = arrival
        }
        switch answerer.act(on: request, arrival: arrival, now: ledger.now, date: WallClock.seconds()) {
        case .play(let script): play(script)
        case .stall: exchange?.phase = .stalled
        case .reset(let reset):
            leave()
            end(with: reset)
        }
    }

    private func play(_ script: Script) {
        exchange?.phase = .waiting(script)
        wait(script.firstByte)
    }

    /// Goes on after a time; nothing happens then if the exchange is over. Timers are not cancelled when a caller
    /// leaves, because that would search the whole heap.
    private func wait(_ nanoseconds: Int64) {
        guard nanoseconds > 0, let context else { return resume() }
        let number = self.number
        _ = context.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(nanoseconds)) { [weak self] in
            if self?.exchange?.number == number { self?.resume() }
        }
    }

    private func resume() {
        switch exchange?.phase {
        case .waiting(let script):
            writeHead(script)
        case .writing(let script, let next, _):
            exchange?.phase = .writing(script, next: next, isPaused: false)
        case .receiving, .stalled, nil:
            return
        }
        proceed()
    }

    private func writeHead(_ script: Script) {
        guard let context, let exchange else { return }
        var headers = HTTPHeaders(script.headers.map { ($0.name, $0.value) })
        headers.add(name: "date", value: WallClock.httpDate(WallClock.seconds()))
        headers.add(name: "server", value: "penstock-simulator")
        if let length = script.contentLength { headers.add(name: "content-length", value: "\(length)") }
        if !exchange.keepsAlive, !isStream { headers.add(name: "connection", value: "close") }
        let status = HTTPResponseStatus(statusCode: script.status)
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        self.exchange?.phase = .writing(script, next: 0, isPaused: false)
    }

    /// Lets the other connections of this event loop have their turn and then goes on.
    private func giveWay() {
        guard let context, case .writing(let script, let next, _) = exchange?.phase else { return }
        exchange?.phase = .writing(script, next: next, isPaused: true)
        let number = self.number
        context.eventLoop.assumeIsolated().execute { [weak self] in
            if self?.exchange?.number == number { self?.resume() }
        }
    }

    /// Writes pieces until one has to wait, the socket is full, all are out or others should have their turn.
    private func proceed() {
        var turn = 32
        while let context, case .writing(var script, let next, false) = exchange?.phase {
            let count = exchange?.method == .HEAD ? 0 : script.pieces
            let isLast = next + 1 >= count && script.ending == .complete
            if isLast || next >= count { return finish(script, from: next, count: count) }
            guard context.channel.isWritable else { return context.flush() }
            if turn == 0 {
                context.flush()
                return giveWay()
            }
            turn -= 1
            let isBeforeLast = next + (script.ending == .complete ? 2 : 1) == count
            let promise = isBeforeLast ? context.eventLoop.makePromise(of: Void.self) : nil
            taken = promise?.futureResult
            write(script.piece(next), promise: promise)
            let pause = next + 1 < count ? script.pause(before: next + 1) : 0
            exchange?.phase = .writing(script, next: next + 1, isPaused: pause > 0)
            if pause > 0 {
                context.flush()
                return wait(pause)
            }
        }
    }

    /// Only the last piece is left, or none where the answer breaks off: when the socket has taken what is before it,
    /// the request leaves and the end follows.
    private func finish(_ script: Script, from next: Int, count: Int) {
        guard let context else { return }
        exchange?.phase = .writing(script, next: next, isPaused: true)
        guard let taken else {
            if script.ending != .complete { context.flush() }
            return complete(script, from: next, count: count)
        }
        self.taken = nil
        let number = self.number
        context.flush()
        taken.assumeIsolated().whenSuccess { [weak self] in
            guard self?.exchange?.number == number else { return }
            self?.complete(script, from: next, count: count)
        }
    }

    private func complete(_ script: Script, from next: Int, count: Int) {
        switch script.ending {
        case .complete:
            let closes = exchange?.keepsAlive == false && !isStream
            leave()
            for place in next..<max(next, count) { write(script.piece(place), promise: nil) }
            guard let context else { return }
            let ended = closes ? context.eventLoop.makePromise(of: Void.self) : nil
            ended?.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: ended)
        case .cut:
            leave()
            isStream ? end(with: .broken) : context?.close(promise: nil)
        case .reset:
            // A reset overtakes what the peer has not read yet, so the head gets a moment to arrive.
            let number = self.number
            _ = context?.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(20)) { [weak self] in
                guard self?.exchange?.number == number else { return }
                self?.leave()
                self?.end(with: .broken)
            }
        }
    }

    private func write(_ piece: ArraySlice<UInt8>, promise: EventLoopPromise<Void>?) {
        guard let context else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        let bytes = context.channel.allocator.buffer(bytes: piece)
        context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: promise)
    }

    private func end(with reset: StreamReset) {
        context?.triggerUserOutboundEvent(reset, promise: nil)
    }

    /// The exchange is over as the simulator wants it.
    private func leave() {
        if let exchange, let arrival = exchange.arrival {
            ledger.leave(arrival, status: exchange.status, cancelled: false)
        }
        exchange = nil
    }

    /// The connection or stream is gone; an exchange that is not over was ended by the caller.
    private func abandon() {
        if let exchange, let arrival = exchange.arrival {
            ledger.leave(arrival, status: exchange.status, cancelled: true)
        }
        exchange = nil
    }
}
