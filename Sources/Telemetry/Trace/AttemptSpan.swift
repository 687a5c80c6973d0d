/// One attempt as a trace tells it: a span of kind client, the child of the caller's.
package struct AttemptSpan: Sendable {
    package var context: TraceContext
    package var id: SpanID
    package var start: WallTime
    /// In nanoseconds, like ``queueTime``.
    package var duration: Int64
    /// The wait for the limits before this attempt.
    package var queueTime: Int64
    /// 1 for the first.
    package var number: Int
    package var reason: AttemptReason
    package var upstream: String
    /// Of the provider.
    package var host: String
    package var port: Int
    package var method: String
    package var tenant: String
    package var requestID: String
    package var model: String?
    /// `nil` where no answer came.
    package var status: Int?
    /// Whether the attempt ended as it should have, whatever its status.
    package var isWhole: Bool
    package var tokensIn: Int?
    package var tokensOut: Int?

    package init(
        context: TraceContext, id: SpanID, start: WallTime, duration: Int64, queueTime: Int64, number: Int,
        reason: AttemptReason, upstream: String, host: String, port: Int, method: String, tenant: String,
        requestID: String, model: String?, status: Int?, isWhole: Bool, tokensIn: Int?, tokensOut: Int?
    ) {
        self.context = context
        self.id = id
        self.start = start
        self.duration = duration
        self.queueTime = queueTime
        self.number = number
        self.reason = reason
        self.upstream = upstream
        self.host = host
        self.port = port
        self.method = method
        self.tenant = tenant
        self.requestID = requestID
        self.model = model
        self.status = status
        self.isWhole = isWhole
        self.tokensIn = tokensIn
        self.tokensOut = tokensOut
    }

    /// A client's span has failed from status 400 on (OpenTelemetry, semantic conventions for HTTP spans, "Status").
    var isFailure: Bool { !isWhole || (status ?? 0) >= 400 }

    /// What went wrong, from a closed set: the status, or that there was none.
    var errorType: String? {
        guard isFailure else { return nil }
        guard let status, status >= 400 else { return "incomplete" }
        return String(status)
    }
}
