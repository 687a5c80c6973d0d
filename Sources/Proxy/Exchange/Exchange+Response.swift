import Admission
import NIOCore
import NIOHTTP1
import Telemetry

/// The response, as it comes from upstream.
extension Exchange {
    /// Whether the caller has room for more of the response.
    var wantsResponse: Bool {
        if case .relaying = phase { connection.isWritable } else { true }
    }

    func downstreamWritable() {
        if case .relaying(_, let handler) = phase { handler.resumeReading() }
    }

    func upstreamHead(_ head: HTTPResponseHead) {
        guard case .sent(let permit, let handler) = phase else { return }
        if isAgreement(head, handler) { return openTunnel(permit, handler, head.headers, now: Clock.now()) }
        let code = head.status.code
        // A switch of protocols that nobody asked for, and numbers that are none (RFC 9110 §15).
        guard (100..<600).contains(code), code != 101 else { return reject(handler, "its status is \(code)") }
        if code < 200 { return relayInformation(head, from: handler) }
        if let fault = Forwarding.codingFault(in: head.headers) { return reject(handler, fault) }
        if code >= 400, worker.loopMark.isOnAnswer(head.headers) {
            handler.abandon()
            return upstreamBroke(.loop)
        }
        pool.loopWatch.answered()
        let now = Clock.now()
        if let sentAt = record.sentAt {
            service.noteFirstByte(after: now - sentAt)
            service.metrics.firstByte.recordNanoseconds((now - sentAt).nanoseconds)
        }
        record.firstByteAt = now
        span?.status = Int(code)
        service.metrics.attempts(status: StatusClass(Int(head.status.code)), reason: reason).increment()
        if head.status.code >= 400 {
            phase = .judging(permit, handler, HeldAnswer(head: head))
            setDeadline(service.upstream.timeouts.idle, meaning: .idleTimeout, from: now)
        } else {
            phase = .relaying(permit, handler)
            verdict = .answered
            service.gate.answered(permit, .answered, now: now)
            heedLimits(head.headers, permit, now: now)
            readAnswer(head)
            relay(head, advice: nil, now: now)
        }
    }

    /// Follows what the provider says of its limits, where that is less than is used of them here.
    private func heedLimits(_ headers: HTTPHeaders, _ permit: Permit, now: Instant) {
        guard let watch = service.limitWatch else { return }
        let notices = watch.notices(in: headers, now: now)
        if !notices.isEmpty { service.gate.noticed(permit, notices, now: now) }
    }

    func upstreamBody(_ bytes: ByteBuffer) {
        switch phase {
        case .relaying(let permit, _):
            let bytes = read(bytes, permit)
            if bytes.readableBytes == 0 { return }
            streamEnd.take(bytes.readableBytesUInt8Span)
            record.bytesOut += bytes.readableBytes
            connection.write(bytes)
        case .judging(_, _, let held):
            held.append(bytes)
            account(answer: held.bytes)
            if held.bytes > HeldAnswer.bound { judge(isWhole: false, trailers: nil) }
        case .finishing(_, _, let rest): takeRest(bytes, rest)
        default: break
        }
    }

    func upstreamChunks(_ chunks: WholeChunks) {
        if case .relaying(let permit, _) = phase, answerReading?.isFiltering != true {
            if answerReading != nil { chunks.forEach { _ = read(chunks.data($0), permit) } }
            if streamEnd != .unwatched { chunks.forEach { streamEnd.take(chunks.data($0).readableBytesUInt8Span) } }
            record.bytesOut += chunks.length
            connection.write(chunks)
        } else {
            chunks.forEach { upstreamBody(chunks.data($0)) }
        }
    }

    private func read(_ bytes: ByteBuffer, _ permit: Permit) -> ByteBuffer {
        guard let answerReading else { return bytes }
        let passed = answerReading.pass(bytes)
        if service.countsTokens, let usage = answerReading.earlyUsage() {
            service.gate.correct(permit, usage, now: Clock.now())
        }
        return passed
    }

    func upstreamEnd(_ trailers: HTTPHeaders?) {
        switch phase {
        case .relaying(let permit, _):
            if let rest = answerReading?.rest() { connection.write(rest) }
            phase = .ended
            service.gate.settle(permit, verdict, usage: usage(), now: Clock.now())
            connection.end(Trailers.passing(trailers))
            finish()
        case .judging(let permit, _, let held):
            phase = .judging(permit, nil, held)
            judge(isWhole: true, trailers: trailers)
        case .finishing: endAlone()
        default: break
        }
    }

    func upstreamReadComplete() {
        guard case .relaying = phase else { return }
        connection.flush()
        setDeadline(service.upstream.timeouts.idle, meaning: .idleTimeout, from: Clock.now())
    }

    /// Interim answers of one attempt after another.
    static let mostInterim = 100

    /// What came is no answer to what was asked.
    func reject(_ handler: UpstreamEnd, _ reason: String) {
        handler.abandon()
        upstreamBroke(.malformed(reason))
    }

    /// 1xx answers come before the one that counts. Penstock has answered `Expect` itself. A caller that takes none must
    /// not make us hold them all, so there is a bound: progress is told a few times, hints once.
    private func relayInformation(_ head: HTTPResponseHead, from handler: UpstreamEnd) {
        interim += 1
        guard interim <= Self.mostInterim else { return reject(handler, "it has too many interim answers") }
        guard head.status != .continue else { return }
        let fields = Forwarding.responseHeaders(head.headers, status: head.status).fields
        connection.inform(head.status, fields)
    }

    /// Begins the response downstream; from here on nothing is repeated.
    func relay(_ head: HTTPResponseHead, advice: Bool?, now: Instant) {
        body.forget()
        account()
        var (fields, hasLength) = Forwarding.responseHeaders(head.headers, status: head.status)
        if let advice { fields.append(("x-should-retry", advice ? "true" : "false")) }
        fields.append(("Via", "1.1 penstock"))
        fields.append(("Server-Timing", ServerTiming.field(record, now: now)))
        let framing = Forwarding.framing(
            of: head.status, to: self.head.method, version: version, hasLength: hasLength)
        record.status = Int(head.status.code)
        service.metrics.overhead.recordNanoseconds(record.overhead(until: now).nanoseconds)
        connection.begin(status: head.status, fields: fields, framing: framing)
        setDeadline(service.upstream.timeouts.idle, meaning: .idleTimeout, from: now)
    }
}
