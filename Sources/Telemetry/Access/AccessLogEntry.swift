/// What the access log says about one exchange, at its end. Never a body, never a key.
package struct AccessLogEntry: Sendable {
    /// When the exchange ended.
    package var time: WallTime
    package var requestID: String
    package var upstream: String
    package var tenant: String
    package var job: String?
    package var model: String?
    package var method: String
    /// As it came, with or without a query; what stands behind `?` is never written, because keys are found there.
    package var path: String
    /// The status sent downstream; nil when the caller went away before there was one.
    package var status: Int?
    package var outcome: ExchangeOutcome
    package var attempts: Int
    /// In nanoseconds, like every duration here.
    package var queueTime: Int64
    /// From the arrival of the head to the first byte from upstream; nil when none came.
    package var firstByteTime: Int64?
    package var totalTime: Int64
    /// From downstream.
    package var bytesIn: Int
    /// To downstream.
    package var bytesOut: Int
    package var tokensIn: Int?
    package var tokensOut: Int?
    /// The limit that held the request back or refused it.
    package var limit: String?
    /// The name of the key that the last attempt went out with, where there are several.
    package var credential: String?
    /// Limits that are only observed and would have held the request back.
    package var observed: [String]
    /// The trace that the request says it belongs to.
    package var traceID: TraceID?

    package init(
        time: WallTime, requestID: String, upstream: String, tenant: String, job: String? = nil, model: String? = nil,
        method: String, path: String, status: Int?, outcome: ExchangeOutcome, attempts: Int, queueTime: Int64,
        firstByteTime: Int64?, totalTime: Int64, bytesIn: Int, bytesOut: Int, tokensIn: Int? = nil,
        tokensOut: Int? = nil, limit: String? = nil, credential: String? = nil, observed: [String] = [],
        traceID: TraceID? = nil
    ) {
        self.time = time
        self.requestID = requestID
        self.upstream = upstream
        self.tenant = tenant
        self.job = job
        self.model = model
        self.method = method
        self.path = path
        self.status = status
        self.outcome = outcome
        self.attempts = attempts
        self.queueTime = queueTime
        self.firstByteTime = firstByteTime
        self.totalTime = totalTime
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.tokensIn = tokensIn
        self.tokensOut = tokensOut
        self.limit = limit
        self.credential = credential
        self.observed = observed
        self.traceID = traceID
    }

    /// The path up to its query or fragment.
    var pathWithoutQuery: String {
        let bytes = path.utf8
        // In one piece, as all but Objective-C strings are, the bytes are looked through several times as fast.
        let length =
            bytes.withContiguousStorageIfAvailable { $0.firstIndex(where: Self.endsPath) ?? $0.count }
            ?? bytes.prefix { !Self.endsPath($0) }.count
        return length == bytes.count ? path : String(decoding: bytes.prefix(length), as: UTF8.self)
    }

    private static func endsPath(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#")
    }
}
