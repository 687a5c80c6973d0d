import Admission
import NIOCore
import NIOHTTP1
import Providers

/// How a connection ends: in good order, or in error.
extension HTTP1Downstream {
    /// How long a peer that was told to go may take.
    private static let lingerTimeout = Interval.seconds(2)

    /// Closes after what is written has gone out. While the caller may still be sending, only this side's half is
    /// closed: bytes that nobody has read would turn a close into a reset, which may overtake the answer (RFC 9112
    /// §9.6).
    func closeGently() {
        if case .closing = request { return }
        let isSilent = if case .none = request { true } else { isRequestComplete && ahead.isEmpty && !isBroken }
        request = .closing
        ahead.removeAll()
        awaited = .close
        deadline = Clock.now() + Self.stallTimeout
        guard let context else { return }
        // A close of both halves would drop what the socket has not taken yet.
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        let said = context.eventLoop.makePromise(of: Void.self)
        said.futureResult.whenComplete { _ in handler.value.hasSaidLast(isSilent: isSilent) }
        context.close(mode: .output, promise: said)
        resumeReading()
    }

    private func hasSaidLast(isSilent: Bool) {
        if isSilent { return closeNow() }
        deadline = Clock.now() + Self.lingerTimeout
    }

    // MARK: Trouble

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .closing = request, error is HTTPParserError || error is ByteToMessageDecoderError { return }
        guard let parserError = error as? HTTPParserError, parserError != .invalidEOFState else {
            return context.close(promise: nil)
        }
        isBroken = true
        let refusal = RequestCheck.refusal(of: parserError, maxHeaderBytes: worker.maxHeaderBytes)
        keepsAlive = false
        if let exchange {
            // A body that breaks its framing ends the exchange; what follows a whole request does not concern it.
            if isRequestComplete { return }
            // After the response has begun the caller sees it break off.
            if case .begun = response { return context.close(promise: nil) }
            return exchange.requestBroke(refusal)
        }
        request = .complete
        if case .ended = response { return context.close(promise: nil) }
        refuse(refusal, nil, now: Clock.now())
    }
}
