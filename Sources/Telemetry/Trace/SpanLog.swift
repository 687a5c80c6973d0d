import Synchronization

/// Writes one line per span to a sink. In JSON each line is a whole OTLP message (`ExportTraceServiceRequest` of
/// opentelemetry-proto 1.x in its JSON encoding), which OpenTelemetry's collector takes out of a log as it is.
package final class SpanLog: Sendable {
    private let sink: LogSink
    private let version: String
    private let numbers: Mutex<any RandomNumberGenerator & Sendable>

    /// - Parameters:
    ///   - version: of this program.
    ///   - numbers: what the numbers of spans are drawn from.
    package init(
        sink: LogSink, version: String,
        numbers: sending any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.sink = sink
        self.version = version
        self.numbers = Mutex(numbers)
    }

    package func newID() -> SpanID {
        numbers.withLock { SpanID.random(using: &$0) }
    }

    package func write(_ span: AttemptSpan) {
        sink.append(span.encoded(sink.style, version: version))
    }
}

extension AttemptSpan {
    /// The line, its line feed included.
    func encoded(_ style: LogStyle, version: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(1_200)
        switch style {
        case .json: appendJSON(to: &bytes, version)
        case .text: appendText(to: &bytes)
        }
        bytes.append(0x0A)
        return bytes
    }

    /// 64-bit numbers are text in protobuf's JSON, and the numbers of traces and spans are hexadecimal (OTLP, "JSON
    /// Protobuf Encoding"). Names of attributes are those of OpenTelemetry's semantic conventions where they have one.
    private func appendJSON(to bytes: inout [UInt8], _ version: String) {
        bytes.append(#"{"resourceSpans":[{"resource":{"attributes":["#)
        bytes.append(#"{"key":"service.name","value":{"stringValue":"penstock"}}]},"#)
        bytes.append(#""scopeSpans":[{"scope":{"name":"penstock","version":"#)
        bytes.appendJSON(version)
        bytes.append(#"},"spans":[{"traceId":""#)
        context.trace.append(to: &bytes)
        bytes.append(#"","spanId":""#)
        id.append(to: &bytes)
        bytes.append(#"","parentSpanId":""#)
        context.parent.append(to: &bytes)
        bytes.append(#"","name":"#)
        bytes.appendJSON("\(method) \(upstream)", longest: Self.longest)
        // SPAN_KIND_CLIENT
        bytes.append(#","kind":3,"startTimeUnixNano":""#)
        bytes.append(start.nanoseconds, digits: 1)
        bytes.append(#"","endTimeUnixNano":""#)
        bytes.append(start.nanoseconds + max(0, duration), digits: 1)
        bytes.append(#"","attributes":["#)
        appendAttributes(to: &bytes)
        // STATUS_CODE_ERROR
        bytes.append(isFailure ? #"],"status":{"code":2}}]}]}]}"# : "]}]}]}]}")
    }

    private func appendAttributes(to bytes: inout [UInt8]) {
        bytes.appendAttribute("http.request.method", method, isFirst: true)
        bytes.appendAttribute("server.address", host)
        bytes.appendAttribute("server.port", port)
        if let status { bytes.appendAttribute("http.response.status_code", status) }
        if let errorType { bytes.appendAttribute("error.type", errorType) }
        if number > 1 { bytes.appendAttribute("http.request.resend_count", number - 1) }
        if let model { bytes.appendAttribute("gen_ai.request.model", model) }
        if let tokensIn { bytes.appendAttribute("gen_ai.usage.input_tokens", tokensIn) }
        if let tokensOut { bytes.appendAttribute("gen_ai.usage.output_tokens", tokensOut) }
        bytes.appendAttribute("penstock.upstream", upstream)
        bytes.appendAttribute("penstock.tenant", tenant)
        bytes.appendAttribute("penstock.request_id", requestID)
        bytes.appendAttribute("penstock.attempt", number)
        if reason != .first { bytes.appendAttribute("penstock.retry", reason.rawValue) }
        bytes.append(#",{"key":"penstock.queue_ms","value":{"doubleValue":"#)
        bytes.append(milliseconds: queueTime)
        bytes.append("}}")
    }

    private func appendText(to bytes: inout [UInt8]) {
        start.append(to: &bytes)
        bytes.append(" span ")
        id.append(to: &bytes)
        bytes.append(" of trace ")
        context.trace.append(to: &bytes)
        bytes.append(" ")
        bytes.append(status.map { "\($0)" } ?? "---")
        bytes.append(" ")
        bytes.appendPlain("\(method) \(upstream)", longest: Self.longest)
        bytes.append(" attempt=")
        bytes.append(decimal: number)
        if reason != .first { bytes.append(" retry=\(reason.rawValue)") }
        bytes.append(" took=")
        bytes.append(milliseconds: duration)
        bytes.append("ms queue=")
        bytes.append(milliseconds: queueTime)
        bytes.append("ms id=")
        bytes.appendValue(requestID, longest: Self.longest)
    }

    /// Longest text of one value in bytes.
    fileprivate static let longest = 256
}

extension [UInt8] {
    /// - Parameter key: a constant.
    fileprivate mutating func appendAttribute(_ key: String, _ value: String, isFirst: Bool = false) {
        append(isFirst ? #"{"key":""# : #",{"key":""#)
        append(key)
        append(#"","value":{"stringValue":"#)
        appendJSON(value, longest: AttemptSpan.longest)
        append("}}")
    }

    fileprivate mutating func appendAttribute(_ key: String, _ value: Int) {
        append(#",{"key":""#)
        append(key)
        append(#"","value":{"intValue":""#)
        append(decimal: value)
        append(#""}}"#)
    }
}
