import NIOCore
import NIOHTTP1

/// The request, as it comes from downstream.
extension Exchange {
    /// Whether more of the request's body can be taken now.
    var wantsRequest: Bool {
        // What comes before the tunnel is there is its first bytes, and can wait where it is.
        if wantsTunnel, !isTunnelOpen { return false }
        return takesRequest
    }

    private var isTunnelOpen: Bool {
        switch phase {
        case .relaying, .finishing, .ended: true
        default: false
        }
    }

    private var takesRequest: Bool {
        switch phase {
        case .begun: body.kept < reading?.window ?? RequestBody.windowBeforeSending
        case .waiting, .leasing, .departing: body.kept < worker.guards.window(RequestBody.windowBeforeSending)
        case .sent(_, let handler), .relaying(_, let handler): handler.isWritable
        case .judging(_, let handler, _): handler?.isWritable ?? true
        case .finishing, .ended: true
        }
    }

    func requestBody(_ part: ByteBuffer) {
        record.bytesIn += part.readableBytes
        switch phase {
        case .begun:
            body.append(part, isStreaming: false, bound: rules.maxBody)
            reading?.take(part)
            if !awaitsBody, reading?.isEnded == true { ask(now: Clock.now()) }
        case .waiting, .leasing, .departing: body.append(part, isStreaming: false, bound: rules.maxBody)
        case .sent where wantsTunnel: body.append(part, isStreaming: false, bound: rules.maxBody)
        case .sent(_, let handler):
            body.append(part, isStreaming: true, bound: replayBound)
            handler.write(part)
        case .relaying(_, let handler): handler.write(part)
        case .judging(_, let handler, _):
            body.append(part, isStreaming: true, bound: replayBound)
            handler?.write(part)
        case .finishing, .ended: break
        }
        account()
    }

    func requestEnd(_ trailers: HTTPHeaders?) {
        let trailers = Trailers.passing(trailers, withheld: worker.identity.withholds)
        body.complete(trailers)
        switch phase {
        case .sent(_, let handler):
            handler.end(trailers)
            setDeadline(service.upstream.timeouts.firstByte, meaning: .firstByteTimeout, from: Clock.now())
        case .relaying(_, let handler): handler.end(trailers)
        case .judging(_, let handler, _): handler?.end(trailers)
        case .begun: ask(now: Clock.now())
        case .waiting, .leasing, .departing, .finishing, .ended: break
        }
    }

    func requestReadComplete() {
        switch phase {
        case .begun: awaitBody(Clock.now())
        case .sent(_, let handler):
            handler.flush()
            if !body.isComplete { awaitBody(Clock.now()) }
        case .relaying(_, let handler):
            handler.flush()
            if wantsTunnel { awaitTunnel(Clock.now()) }
        case .judging(_, let handler, _): handler?.flush()
        case .waiting, .leasing, .departing, .finishing, .ended: break
        }
    }

    func upstreamWritable() {
        if case .sent = phase, !body.isComplete, !wantsTunnel { awaitBody(Clock.now()) }
        connection.resumeReading()
    }
}
