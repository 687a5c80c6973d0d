import Admission
import NIOCore
import NIOHTTP1

/// A tunnel: from the moment at which both sides agree, its bytes go the way of bodies, and it holds its slot until it
/// ends.
extension Exchange {
    var wantsTunnel: Bool { tunnel != nil }

    /// Asks the upstream for a WebSocket.
    ///
    /// - Parameter head: with the upstream's key, where it has one.
    func sendHandshake(_ head: HTTPRequestHead, _ handler: UpstreamEnd) {
        var head = head
        if handler.isHTTP2 {
            guard let isTaken = handler.takesExtendedConnect else {
                // Its settings are on their way.
                handler.abandon()
                return upstreamBroke(.notProcessed)
            }
            guard isTaken else { return reject(handler, "it takes no WebSockets over HTTP/2") }
            head.headers = HTTPHeaders(head.headers.filter { !WebSocketHandshake.isProof($0.name) })
            handler.sendExtendedConnect(head, protocolName: "websocket")
        } else {
            if case .webSocket(nil) = tunnel {
                head.headers.add(name: "Sec-WebSocket-Key", value: WebSocketHandshake.newKey())
            }
            head.headers.add(name: "Connection", value: "Upgrade")
            head.headers.add(name: "Upgrade", value: "websocket")
            handler.send(head, isChunked: false, endsHere: false)
        }
        handler.flush()
    }

    /// Whether the upstream has agreed.
    func isAgreement(_ head: HTTPResponseHead, _ handler: UpstreamEnd) -> Bool {
        guard case .webSocket = tunnel else { return false }
        return handler.isHTTP2 ? (200..<300).contains(head.status.code) : head.status == .switchingProtocols
    }

    /// Both sides have agreed: tells the caller, and lets bytes be bytes.
    ///
    /// - Parameter fields: of the upstream's answer.
    func openTunnel(_ permit: Permit, _ handler: UpstreamEnd, _ fields: HTTPHeaders, now: Instant) {
        phase = .relaying(permit, handler)
        verdict = .answered
        record.firstByteAt = now
        service.gate.answered(permit, .answered, now: now)
        service.metrics.attempts(status: .init(200), reason: reason).increment()
        let status = agreedStatus
        record.status = Int(status.code)
        connection.begin(status: status, fields: agreedFields(fields, now: now), framing: .tunnel)
        connection.flush()
        handler.becomeTunnel()
        for part in body.parts { handler.write(part) }
        body.forget()
        handler.flush()
        connection.becomeTunnel()
        awaitTunnel(now)
    }

    private var agreedStatus: HTTPResponseStatus {
        if case .webSocket = tunnel, version.major == 1 { .switchingProtocols } else { .ok }
    }

    private func agreedFields(_ fields: HTTPHeaders, now: Instant) -> [(String, String)] {
        var kept = Forwarding.responseHeaders(fields, status: agreedStatus).fields
        kept.removeAll { WebSocketHandshake.isProof($0.0) || FieldName.matches($0.0, "content-length") }
        kept.append(("Via", "1.1 penstock"))
        kept.append(("Server-Timing", ServerTiming.field(record, now: now)))
        if case .webSocket(let key?) = tunnel, version.major == 1 {
            kept.append(("Upgrade", "websocket"))
            kept.append(("Connection", "Upgrade"))
            kept.append(("Sec-WebSocket-Accept", WebSocketHandshake.accept(key)))
        }
        return kept
    }

    /// A tunnel lives as long as something goes through it; the total timeout is not for it.
    func awaitTunnel(_ now: Instant) {
        setDeadline(service.upstream.timeouts.idle, meaning: .idleTimeout, from: now)
    }
}
